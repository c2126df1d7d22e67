/** Reads a serial console: bounded memory, escape sequences left out. */
import { StringDecoder } from 'node:string_decoder';
import { plain } from '../text.ts';

const KEPT_CHARS = 64 * 1024;
/** A text may be interrupted by escape sequences; more of them than this is no text any more. */
const SLACK_CHARS = 1024;

export interface Console {
  write(chunk: Buffer): void;
  /** Whether the text was on the console. */
  readonly seen: boolean;
  lastLines(count: number): string[];
}

export function watchConsole(wanted: string | undefined): Console {
  const decoder = new StringDecoder('utf8');
  let kept = '';
  let seen = false;
  return {
    write(chunk) {
      const text = decoder.write(chunk);
      kept = (kept + text).slice(-KEPT_CHARS);
      if (wanted !== undefined && !seen) {
        seen = plain(kept.slice(-(text.length + wanted.length + SLACK_CHARS))).includes(wanted);
      }
    },
    get seen() {
      return seen;
    },
    lastLines: (count) => plain(kept).trimEnd().split('\n').slice(-count),
  };
}
