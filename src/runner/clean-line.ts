/** Makes a line of a tool's output fit for a log that people read on a terminal. */
const LINE_LIMIT_CHARS = 16_384;
const ESCAPE = String.fromCharCode(27);
const BELL = String.fromCharCode(7);
/** Colours, cursor movements and window titles. */
const SEQUENCES = new RegExp(
  `${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${BELL}${ESCAPE}]*${BELL}?|[@-Z\\\\-_])`,
  'g',
);

/** Without escape sequences and control characters, and not longer than a line of the log may be. */
export function cleanLine(text: string): string {
  const plain = text.includes(ESCAPE) ? text.replace(SEQUENCES, '') : text;
  return plain
    .replace(/\p{Cc}/gu, (character) => (character === '\t' ? character : ''))
    .slice(0, LINE_LIMIT_CHARS)
    .trimEnd();
}
