/** Reads a serial console: bounded memory, escape sequences left out. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with a control character
const ESCAPES = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007|[()][A-Z0-9])/g;
const KEPT_CHARS = 64 * 1024;

export interface Console {
  write(text: string): void;
  /** Whether the text was on the console. */
  readonly seen: boolean;
  lastLines(count: number): string[];
}

export function watchConsole(wanted: string | undefined): Console {
  let kept = '';
  let seen = false;
  return {
    write(text) {
      kept = (kept + text).slice(-KEPT_CHARS);
      seen ||= wanted !== undefined && kept.replaceAll(ESCAPES, '').includes(wanted);
    },
    get seen() {
      return seen;
    },
    lastLines: (count) => kept.replaceAll(ESCAPES, '').split(/\r?\n/).slice(-count),
  };
}
