// Programs that the quickstart runs. Each has a session of its own, so that Ctrl-C reaches the quickstart alone,
// which then ends them in the right order.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** The quickstart was interrupted; whoever waits for something gets this. */
export class Interrupted extends Error {}

/**
 * Runs a program to its end, its output on our screen or, with `capture`, given back. Throws with its last lines
 *  * when it fails. When the signal aborts, the program gets `endWith`, and is waited for.
 * @param {readonly string[]} argv
 * @param {{ capture?: boolean, signal?: AbortSignal, endWith?: NodeJS.Signals }} [options]
 */
export async function run(argv, { capture = false, signal, endWith = 'SIGINT' } = {}) {
  throwIfInterrupted(signal);
  const [program, ...words] = argv;
  const output = capture ? 'pipe' : 'inherit';
  const child = spawn(program, words, { stdio: ['ignore', output, output], detached: true });
  let stdout = '';
  let both = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
    both += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    both += chunk;
  });
  const interrupt = () => signalGroup(child.pid, endWith);
  signal?.addEventListener('abort', interrupt, { once: true });
  let code;
  try {
    code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, name) => resolve(exitCode ?? name));
    });
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
  throwIfInterrupted(signal);
  if (code !== 0) {
    const last = both.trim().split('\n').slice(-20).join('\n');
    throw new Error(`${argv.join(' ')} ended with ${code}${last === '' ? '' : `:\n${last}`}`);
  }
  return stdout;
}

/** Starts a program that goes on without us, its output in a file. Gives its process id. */
export async function startDetached(argv, logFile) {
  const [program, ...words] = argv;
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(program, words, { stdio: ['ignore', log, log], detached: true });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return child.pid;
  } finally {
    closeSync(log);
  }
}

export function throwIfInterrupted(signal) {
  if (signal?.aborted) {
    throw new Interrupted('interrupted');
  }
}

/** Whether the process is there and has all these words on its command line; a process id may be used again. */
export function isRunning(pid, words) {
  try {
    const [, ...line] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.every((word) => line.includes(word));
  } catch {
    return false;
  }
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It has just ended by itself.
    if (error.code !== 'ESRCH') throw error;
  }
}
