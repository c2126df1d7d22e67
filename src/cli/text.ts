/** Text from elsewhere on its way to a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const SEQUENCES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[()][A-Z0-9]|.)?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * Without escape sequences and control characters other than tab and newline: a recipe's script must not move
 * the cursor of whoever reads its log, or worse.
 */
export function plain(text: string): string {
  return text.replaceAll(SEQUENCES, '').replaceAll(CONTROLS, '');
}
