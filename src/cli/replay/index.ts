/** Shows recordings: into a terminal as they were, elsewhere as the plain text that they have. */
import { setTimeout as wait } from 'node:timers/promises';
import { Interrupted, interruptible } from '../interrupt.ts';
import { plain } from '../text.ts';
import { readCast } from './cast.ts';
import { play } from './player.ts';

export interface ShowOptions {
  readonly speed: number;
  readonly idleSeconds: number;
}

const CTRL_C = 0x03;

/** Throws `Interrupted` after Ctrl-C or q. */
export async function showRecordings(casts: readonly string[], options: ShowOptions): Promise<void> {
  const recordings = casts.map(readCast);
  if (!process.stdout.isTTY) {
    for (const { events } of recordings) {
      process.stdout.write(plain(events.map(({ output }) => output).join('')));
    }
    return;
  }
  await interruptible((signal) =>
    whileKeysAreTaken(signal, async (stopped) => {
      for (const [index, recording] of recordings.entries()) {
        const { title, columns, rows } = recording;
        process.stderr.write(
          `${index + 1} of ${recordings.length}: ${plain(title)} (${columns} × ${rows}); q ends it\r\n`,
        );
        await play(recording, {
          ...options,
          write: (text) => process.stdout.write(text),
          sleep: (seconds) => wait(seconds * 1000, undefined, { signal: stopped }),
        });
      }
    }),
  );
}

/** Nothing that a terminal answers to what it is shown ends up as a command of whoever looks at it. */
async function whileKeysAreTaken(
  signal: AbortSignal,
  work: (stopped: AbortSignal) => Promise<void>,
): Promise<void> {
  const { stdin } = process;
  const enough = new AbortController();
  const onKeys = (keys: Buffer) => {
    if (keys.includes(CTRL_C) || keys.toString() === 'q') {
      enough.abort();
    }
  };
  if (stdin.isTTY) {
    stdin.setRawMode(true).on('data', onKeys).resume();
  }
  try {
    await work(AbortSignal.any([signal, enough.signal]));
  } catch (cause) {
    throw enough.signal.aborted ? new Interrupted('interrupted', { cause }) : cause;
  } finally {
    if (stdin.isTTY) {
      stdin.off('data', onKeys).setRawMode(false).pause();
    }
  }
}
