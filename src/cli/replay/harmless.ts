/**
 * Takes out of what a terminal showed what would do more to the terminal of whoever replays it than show something: set its
 * title or clipboard, or have it answer as if the person had typed. Sequences may be spread over several pieces.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const STRINGS = /\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\|(?=\u001b))/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const QUESTIONS = /\u001b\[[0-?]*[ -/]*[cntx]|\u001bZ|[\u0005\u0080-\u009f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const UNFINISHED = /\u001b(?:[\]PX^_][^\u0007\u001b]*\u001b?|\[[0-?]*[ -/]*)?$/;
/** A sequence that goes on for longer than this is none. */
const LONGEST = 65_536;

export interface Harmless {
  /** The piece without what is harmful; what may be the beginning of a sequence comes with the next one. */
  take(piece: string): string;
}

export function harmless(): Harmless {
  let rest = '';
  return {
    take(piece) {
      const text = without(rest + piece);
      const start = UNFINISHED.exec(text)?.index ?? text.length;
      rest = text.length - start > LONGEST ? '' : text.slice(start);
      return text.slice(0, start);
    },
  };
}

/** What is taken out may have kept apart the two ends of another sequence. */
function without(text: string): string {
  const less = text.replaceAll(STRINGS, '').replaceAll(QUESTIONS, '');
  return less === text ? text : without(less);
}
