import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CommandError, mustRun, runAttached, runCommand, shellQuote, startCommand } from './exec.ts';
import { waitFor } from './wait.ts';

/** A process is gone when the kernel has no entry for it, or only one that waits to be collected. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

async function untilGone(pid: number): Promise<void> {
  await waitFor(() => (isGone(pid) ? true : undefined), {
    timeoutMs: 10_000,
    describe: () => `process ${pid} goes on`,
  });
}

test('gives exit code, output, and the lines of both streams', async () => {
  const lines: string[] = [];
  const result = await runCommand(['sh', '-c', 'echo one; echo two >&2; exit 3'], {
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
  });
  expect(result.exitCode).toBe(3);
  expect(result.stdout).toBe('one\n');
  expect(lines.sort()).toEqual(['stderr: two', 'stdout: one']);
  expect([...result.tail].sort()).toEqual(['one', 'two']);
});

test('words are given as they are: no shell reads them', async () => {
  const word = '$(id) `id` ; * \'x\' "y"';
  expect((await mustRun(['printf', '%s', word])).stdout).toBe(word);
  expect(shellQuote(['echo', "it's", 'a=b'])).toBe("echo 'it'\\''s' a=b");
});

test('standard input is what was given, or empty', async () => {
  expect((await mustRun(['cat'], { input: 'hello' })).stdout).toBe('hello');
  expect((await mustRun(['cat'])).stdout).toBe('');
});

test('a command that does not read its input is no failure', async () => {
  expect((await mustRun(['true'], { input: Buffer.alloc(4 * 1024 * 1024) })).exitCode).toBe(0);
});

test('the environment of this process is not handed on', async () => {
  process.env['KILN_TEST_SECRET'] = 'do-not-tell';
  try {
    expect((await mustRun(['env'])).stdout).not.toContain('do-not-tell');
  } finally {
    delete process.env['KILN_TEST_SECRET'];
  }
});

test('secrets are masked in lines, output, tail and errors', async () => {
  const secret = 'correct-horse';
  const lines: string[] = [];
  const failing = mustRun(['sh', '-c', `echo ${secret}; exit 1`], {
    secrets: [secret],
    onLine: (line) => lines.push(line),
  });
  const error = await failing.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CommandError);
  expect(JSON.stringify([error, lines, error instanceof Error ? error.message : ''])).not.toContain(secret);
  expect(lines).toEqual(['***']);
});

test('a command that cannot be started says so', async () => {
  await expect(runCommand(['/no/such/program'])).rejects.toThrow(/ENOENT.*\/no\/such\/program/s);
});

test('the tail and the length of lines are bounded', async () => {
  const result = await runCommand(['sh', '-c', 'seq 1 1000; head -c 100000 /dev/zero | tr "\\0" x']);
  expect(result.tail).toHaveLength(200);
  expect(result.tail.at(-2)).toBe('1000');
  expect(result.tail.at(-1)).toHaveLength(16_384);
});

test('a progress bar that rewrites its line gives a line per rewrite', async () => {
  const lines: string[] = [];
  await mustRun(['printf', '10%%\r20%%\r\ndone'], { onLine: (line) => lines.push(line) });
  expect(lines).toEqual(['10%', '20%', 'done']);
});

test('a time limit ends the command and all its children', async () => {
  const lines: string[] = [];
  const result = await runCommand(['sh', '-c', 'sleep 600 & echo $!; wait'], {
    timeoutMs: 300,
    onLine: (line) => lines.push(line),
  });
  expect(result.timedOut).toBe(true);
  expect(result.exitCode).not.toBe(0);
  await untilGone(Number(lines[0]));
});

test('a signal ends the command and all its children', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const result = await runCommand(['sh', '-c', 'sleep 600 & echo $!; wait'], {
    signal: stop.signal,
    onLine: (line) => {
      lines.push(line);
      stop.abort();
    },
  });
  expect(result.aborted).toBe(true);
  await untilGone(Number(lines[0]));
});

test('a signal that came before the start keeps it from starting', async () => {
  const result = await runCommand(['/no/such/program'], { signal: AbortSignal.abort() });
  expect(result).toMatchObject({ aborted: true, exitCode: null });
});

test('what a command leaves running ends with it', async () => {
  const { stdout } = await mustRun(['sh', '-c', 'sleep 600 & echo $!']);
  await untilGone(Number(stdout));
});

test('a command in the background goes on until it is stopped, children and all', async () => {
  const command = await startCommand(['sh', '-c', 'sleep 600 & wait']);
  expect(isGone(command.pid)).toBe(false);
  await command.stop();
  expect(isGone(command.pid)).toBe(true);
  expect(await command.ended).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
});

test('a command in the background that cannot be started says so', async () => {
  await expect(startCommand(['/no/such/program'])).rejects.toThrow(/ENOENT/);
});

test('a command in the foreground hands on its output as it comes, and how it ended', async () => {
  const chunks: Buffer[] = [];
  const ended = await runAttached(['sh', '-c', 'echo out; echo err >&2; exit 4'], {
    onOutput: (chunk) => chunks.push(chunk),
  });
  expect(ended).toEqual({ exitCode: 4, signal: null });
  expect(Buffer.concat(chunks).toString('utf8').split('\n').sort()).toEqual(['', 'err', 'out']);
});

test('a command in the foreground ends when it is told to', async () => {
  const stop = new AbortController();
  const ended = await runAttached(['sh', '-c', 'echo ready; exec sleep 600'], {
    signal: stop.signal,
    onOutput: () => stop.abort(),
  });
  expect(ended).toEqual({ exitCode: null, signal: 'SIGTERM' });
});

test('a command in the foreground that cannot be started says so', async () => {
  await expect(runAttached(['/no/such/program'], { onOutput: () => {} })).rejects.toThrow(/ENOENT/);
});
