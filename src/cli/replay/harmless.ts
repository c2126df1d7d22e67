/**
 * What a terminal showed, for the terminal of whoever replays it: text, colours and the moves of the cursor pass. Nothing passes
 * that sets a title or clipboard, prints, makes the terminal answer as if the person had typed, or changes what their keys send or
 * where its tab stops are.
 *
 * Sequences are read as ECMA-48 (5.3, 5.4, 5.6) has them and the terminals that follow DEC's VT500 obey them: a control
 * character within a sequence is carried out at once, and ESC ends what was before it.
 */

const ESC = '\u001b';
const BEL = '\u0007';
const CANCELS = '\u0018\u001a';
/** Bell, backspace, tab, line feeds, carriage return, shifts between character sets. */
const CONTROLS = '\u0007\b\t\n\v\f\r\u000e\u000f';
/** What begins a string: of a device, of the operating system, of nobody, private, of an application. */
const STRINGS = ['P', ']', 'X', '^', '_'].map((kind) => ESC + kind);
const OF_SYSTEM = `${ESC}]`;
const CSI = `${ESC}[`;
/** Characters; a sequence that is as long does nothing. */
const LONGEST = 1024;

/** Of sequences that show something, what follows ESC. */
const SHOWS: readonly RegExp[] = [
  // Cursor kept and put back, lines, other character sets, all as at the start
  /^[78DEMNOcno|}~]$/,
  /^[()*+./-][ -~]$/,
  /^#[34568]$/,
  // Cursor, erasing, scrolling, colours; shape of the cursor and scrolling sideways; columns; characters that stay
  /^\[[\d;:]*[@A-MPSTXZ`abdefmrsu]$/,
  /^\[\d* [q@A]$/,
  /^\[\d*'[}~]$/,
  /^\[\d*"q$/,
  // Selective erasing; modes as at the start; inserting
  /^\[\?\d*[JK]$/,
  /^\[!p$/,
  /^\[4[hl]$/,
];
const MODES = /^\[\?([\d;]+)([hl])$/;
/** Reverse screen, origin, wrapping, blinking, cursor, screens, margins, output that is shown at once. */
const SHOWN_MODES = new Set(['5', '6', '7', '12', '25', '47', '1047', '1048', '1049', '69', '2026']);

export interface Harmless {
  /** What of the piece may be shown; a sequence that it does not end comes with the piece that does. */
  take(piece: string): string;
}

export function harmless(): Harmless {
  /** What was read of a sequence; of a string only what began it. */
  let sequence = '';
  const next = (char: string): string => {
    if (char === ESC) {
      sequence = ESC;
      return '';
    }
    if (CANCELS.includes(char) || (char === BEL && sequence === OF_SYSTEM)) {
      sequence = '';
      return '';
    }
    if (STRINGS.includes(sequence)) {
      return '';
    }
    if (isControl(char)) {
      return CONTROLS.includes(char) ? char : '';
    }
    if (sequence === '') {
      return char;
    }
    const longer = sequence + char;
    if (!isFinal(char, sequence)) {
      sequence = longer.length > LONGEST ? sequence : longer;
      return '';
    }
    sequence = '';
    return longer.length < LONGEST ? shown(longer.slice(ESC.length)) : '';
  };
  return { take: (piece) => Array.from(piece, next).join('') };
}

/** Of C0, C1, or DEL. */
function isControl(char: string): boolean {
  return char < ' ' || (char >= '\u007f' && char <= '\u009f');
}

/** Whether the character ends the sequence: of a control sequence above ?, of others above /, but for what begins something longer. */
function isFinal(char: string, sequence: string): boolean {
  if (sequence.startsWith(CSI)) {
    return char > '?';
  }
  const longer = sequence + char;
  return char > '/' && longer !== CSI && !STRINGS.includes(longer);
}

/** The sequence, ESC in front, as far as it shows something, each mode by itself; empty when it does not. */
function shown(afterEscape: string): string {
  const [, modes, set] = MODES.exec(afterEscape) ?? [];
  if (modes !== undefined) {
    const some = modes.split(';').filter((mode) => SHOWN_MODES.has(mode));
    return some.map((mode) => `${ESC}[?${mode}${set}`).join('');
  }
  return SHOWS.some((pattern) => pattern.test(afterEscape)) ? ESC + afterEscape : '';
}
