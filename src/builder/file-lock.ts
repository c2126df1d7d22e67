/**
 * A lock between processes that a dead one cannot hold: a helper keeps a flock(2) on a file and dies with the
 * process that started it. Nothing has to be swept or guessed after a crash.
 */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackgroundCommand, startCommand } from '../platform/exec.ts';
import { waitFor } from '../platform/wait.ts';

const LONGEST_WAIT_MS = 3_600_000;

export interface LockOptions {
  /** Gives up waiting; the lock is not taken then. */
  readonly signal?: AbortSignal;
  /** Called once when somebody else has the lock. */
  readonly onWait?: () => void;
}

/** Runs `work` while this process holds the lock on `file`, which is made when it is not there. */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const holder = await takeLock(file, options);
  try {
    return await work();
  } finally {
    await holder.stop();
  }
}

/** Like `withFileLock`, but gives undefined without waiting when somebody else has the lock. */
export async function withFreeFileLock<T>(file: string, work: () => Promise<T>): Promise<T | undefined> {
  const taken = new AbortController();
  try {
    return await withFileLock(file, work, { signal: taken.signal, onWait: () => taken.abort() });
  } catch (error) {
    if (taken.signal.aborted) {
      return undefined;
    }
    throw error;
  }
}

async function takeLock(file: string, options: LockOptions): Promise<BackgroundCommand> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-lock-'));
  const answerFile = join(folder, 'answer');
  const answer = await open(answerFile, 'w');
  let holder: BackgroundCommand | undefined;
  try {
    holder = await startCommand(
      ['setpriv', '--pdeathsig', 'KILL', 'flock', '--no-fork', '--exclusive', file, 'sh', '-c', HOLD],
      { outputFd: answer.fd },
    );
    await untilTaken(holder, answerFile, options);
    return holder;
  } catch (error) {
    await holder?.stop();
    throw error;
  } finally {
    await answer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const HOLD = 'echo taken; exec sleep infinity';

async function untilTaken(
  holder: BackgroundCommand,
  answerFile: string,
  options: LockOptions,
): Promise<void> {
  let over = false;
  let looks = 0;
  void holder.ended.then(() => {
    over = true;
  });
  await waitFor(
    async () => {
      const text = await readFile(answerFile, 'utf8');
      if (text.startsWith('taken')) {
        return true;
      }
      if (over) {
        throw new Error(`the lock cannot be taken: ${text.trim()}`);
      }
      looks += 1;
      // A free lock is taken within a few milliseconds; half a second of silence means that somebody has it.
      if (looks === LOOKS_UNTIL_WAITING) {
        options.onWait?.();
      }
      options.signal?.throwIfAborted();
      return undefined;
    },
    {
      timeoutMs: LONGEST_WAIT_MS,
      intervalMs: LOOK_EVERY_MS,
      describe: () => 'another process to release its lock',
      ...(options.signal ? { signal: options.signal } : {}),
    },
  );
}

const LOOK_EVERY_MS = 10;
const LOOKS_UNTIL_WAITING = 50;
