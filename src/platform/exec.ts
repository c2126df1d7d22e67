/**
 * The one door for commands. A command is an argument vector (never a shell's line), runs in a process group of
 * its own, is ended as a group, has bounded output with secrets masked, and gives a typed result. Nothing else
 * in Kiln may import `node:child_process`; a lint rule holds that.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { maskerOf } from './secrets.ts';

const LINE_LIMIT_CHARS = 16_384;
const TAIL_LINES = 200;
const CAPTURE_LIMIT_BYTES = 16 * 1024 * 1024;
const KILL_AFTER_MS = 5_000;

export interface CommandOptions {
  /** Working folder; the current one unless given. */
  cwd?: string;
  /** The whole environment of the command; only PATH, HOME and LANG of ours unless given. */
  env?: Record<string, string>;
  /** Text for its standard input; the input is empty unless given. */
  input?: string | Buffer;
  /** Ends the command's group with TERM, and with KILL five seconds later. */
  signal?: AbortSignal;
  /** The same after this time, in milliseconds. */
  timeoutMs?: number;
  /** Values that must not appear in lines, captured text or errors. */
  secrets?: readonly string[];
  /** Called for each line of both streams as it comes. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface CommandResult {
  /** The command as a person would type it, secrets masked. */
  command: string;
  /** Exit code; null when a signal ended it. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** Standard output, at most 16 MiB of it. */
  stdout: string;
  /** Last 200 lines of both streams in the order in which they came. */
  tail: string[];
  timedOut: boolean;
  aborted: boolean;
  durationMs: number;
}

/** A command that could not be started or did not end with code 0. */
export class CommandError extends Error {
  readonly result: CommandResult;

  constructor(result: CommandResult, reason: string) {
    const last = result.tail.slice(-20).join('\n');
    super(`${reason}: ${result.command}${last === '' ? '' : `\n${last}`}`);
    this.name = 'CommandError';
    this.result = result;
  }
}

/** Quotes an argument vector so that a person can paste it into a shell. */
export function shellQuote(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

export function defaultEnvironment(): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: process.env['HOME'] ?? '/root',
    LANG: 'C.UTF-8',
  };
}

/** Set where this program runs by a Node.js that its own path does not lead to. */
export const NODE_VARIABLE = 'KILN_NODE';

/** The program that runs this one. */
export function nodeProgram(): string {
  return process.env[NODE_VARIABLE] ?? process.execPath;
}

/** Signals a whole process group; one that is gone already is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}

/** Splits a stream into lines; an overlong line is cut, and the rest of it dropped. */
function readLines(stream: Readable, onText: (text: string) => void, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk);
    onText(text);
    // Progress bars rewrite a line with carriage returns; each rewrite is a line to a log.
    const parts = (rest + text).split(/\r?\n|\r/);
    rest = (parts.pop() ?? '').slice(0, LINE_LIMIT_CHARS);
    for (const part of parts) {
      onLine(part.slice(0, LINE_LIMIT_CHARS));
    }
  });
  stream.on('end', () => {
    if (rest !== '') {
      onLine(rest);
    }
  });
}

/** Runs a command to its end and gives its result, whatever its exit code. Throws only when it cannot be started. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new TypeError('a command has at least one word');
  }
  const mask = maskerOf(options.secrets ?? []);
  const started = performance.now();
  const tail: string[] = [];
  let stdout = '';
  let timedOut = false;
  let aborted = false;

  const outcome = (exitCode: number | null, signal: NodeJS.Signals | null): CommandResult => ({
    command: mask(shellQuote(argv)),
    exitCode,
    signal,
    stdout: mask(stdout),
    tail,
    timedOut,
    aborted,
    durationMs: performance.now() - started,
  });
  if (options.signal?.aborted) {
    aborted = true;
    return outcome(null, 'SIGTERM');
  }

  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? defaultEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const take = (stream: 'stdout' | 'stderr') => (line: string) => {
    const masked = mask(line);
    tail.push(masked);
    if (tail.length > TAIL_LINES) {
      tail.shift();
    }
    options.onLine?.(masked, stream);
  };
  readLines(
    child.stdout,
    (text) => {
      if (stdout.length < CAPTURE_LIMIT_BYTES) stdout += text;
    },
    take('stdout'),
  );
  readLines(child.stderr, () => {}, take('stderr'));
  child.stdin.on('error', () => {
    // The command ended without reading its input: its exit code tells the story.
  });
  child.stdin.end(options.input ?? '');

  const stopper = stopGroupOf(child);
  const abort = () => {
    aborted = true;
    stopper.stop();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stopper.stop();
        }, options.timeoutMs);
  try {
    return await new Promise<CommandResult>((resolve, reject) => {
      child.once('error', (error) => reject(new CommandError(outcome(null, null), error.message)));
      // Leftover children of a command would hold its pipes open for ever: the group ends with its leader.
      child.once('exit', () => stopper.killLeftovers());
      child.once('close', (code, signal) => resolve(outcome(code, signal)));
    });
  } finally {
    clearTimeout(timer);
    stopper.dispose();
    options.signal?.removeEventListener('abort', abort);
  }
}

function stopGroupOf(child: ChildProcess) {
  let timer: NodeJS.Timeout | undefined;
  const signal = (name: NodeJS.Signals) => {
    if (child.pid !== undefined) {
      signalGroup(child.pid, name);
    }
  };
  return {
    stop() {
      signal('SIGTERM');
      timer ??= setTimeout(() => signal('SIGKILL'), KILL_AFTER_MS);
    },
    killLeftovers: () => signal('SIGKILL'),
    dispose: () => clearTimeout(timer),
  };
}

/** Runs a command that has to succeed. Throws `CommandError` with its last lines when it does not. */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const result = await runCommand(argv, options);
  if (result.exitCode !== 0) {
    const how = result.timedOut
      ? 'timed out'
      : result.signal === null
        ? `ended with code ${result.exitCode}`
        : `ended by ${result.signal}`;
    throw new CommandError(result, how);
  }
  return result;
}

export interface BackgroundCommand {
  readonly pid: number;
  /** Settles when the command has its whole input, or takes no more. */
  readonly fed: Promise<void>;
  /** Settles when the command is over. */
  readonly ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
  /** Ends the group with TERM, and with KILL five seconds later. */
  stop(): Promise<void>;
  /** Lets this process end while the command goes on. */
  unref(): void;
}

export interface BackgroundOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
  /** File descriptor for both of its streams; they are dropped unless given. */
  outputFd?: number;
}

/** Starts a command in a group of its own that goes on until it ends or is stopped. */
export async function startCommand(
  argv: readonly string[],
  options: BackgroundOptions = {},
): Promise<BackgroundCommand> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new TypeError('a command has at least one word');
  }
  const output = options.outputFd ?? 'ignore';
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? defaultEnvironment(),
    detached: true,
    stdio: ['pipe', output, output],
  });
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.stdin?.on('error', () => {
    // The command ended without reading its input: its exit code tells the story.
  });
  const fed = new Promise<void>((resolve) => {
    child.stdin?.once('finish', resolve).once('close', resolve);
  });
  child.stdin?.end(options.input ?? '');
  const stopper = stopGroupOf(child);
  return {
    pid: child.pid ?? 0,
    fed,
    ended,
    async stop() {
      stopper.stop();
      await ended;
      stopper.dispose();
      stopper.killLeftovers();
    },
    unref: () => child.unref(),
  };
}

export interface AttachedOptions {
  /** Called with each piece of both of its streams. */
  onOutput: (chunk: Buffer) => void;
  /** Ends the command with TERM, and with KILL five seconds later. */
  signal?: AbortSignal;
}

/**
 * Runs a command in the foreground: its standard input is ours, so that it may own the terminal, and Ctrl-C
 * reaches it as it reaches us. Gives how it ended; throws only when it cannot be started.
 */
export async function runAttached(
  argv: readonly string[],
  options: AttachedOptions,
): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new TypeError('a command has at least one word');
  }
  options.signal?.throwIfAborted();
  const child = spawn(program, args, { env: defaultEnvironment(), stdio: ['inherit', 'pipe', 'pipe'] });
  child.stdout.on('data', options.onOutput);
  child.stderr.on('data', options.onOutput);
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill('SIGTERM');
    timer ??= setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Runs a command in the terminal of this process, whose signals it gets too. Gives its exit code. */
export async function runInTerminal(argv: readonly string[]): Promise<number> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new TypeError('a command has at least one word');
  }
  const child = spawn(program, args, { stdio: 'inherit' });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}
