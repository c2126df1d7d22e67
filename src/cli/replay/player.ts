/** Plays a recording into a terminal in the time that it took, or faster; long times in which nothing happens are cut short. */
import type { Recording } from './cast.ts';
import { harmless } from './harmless.ts';

export interface PlayOptions {
  /** Times as fast. */
  readonly speed: number;
  /** Longest time between two events, in seconds. */
  readonly idleSeconds: number;
  write(text: string): void;
  /** Rejects when the person has seen enough. */
  sleep(seconds: number): Promise<void>;
}

/** Modes that a program may have left: its screen reversed or held back, margins, no cursor or another one, colours, no wrapping. */
const AS_BEFORE =
  '\u001b[!p\u001b[?5l\u001b[?2026l\u001b[?69l\u001b[?7h\u001b[?25h\u001b[0 q\u001b[0m\u000f\r\n';
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const SCREENS = /\u001b\[\?(?:1049|1047|47)([hl])/g;

/** Settles when it is over; the terminal is then as it was before, whatever ended it. */
export async function play(recording: Recording, options: PlayOptions): Promise<void> {
  const { speed, idleSeconds, write, sleep } = options;
  const filter = harmless();
  let last = 0;
  let screen = 'l';
  try {
    for (const { at, output } of recording.events) {
      const seconds = Math.min(Math.max(0, at - last), idleSeconds) / speed;
      last = at;
      if (seconds > 0) {
        await sleep(seconds);
      }
      const text = filter.take(output);
      screen = [...text.matchAll(SCREENS)].at(-1)?.[1] ?? screen;
      write(text);
    }
  } finally {
    write(`${screen === 'h' ? '\u001b[?1049l' : ''}${AS_BEFORE}`);
  }
}
