/**
 * Reads single values of a request the way the reference does: text, words, booleans, whole numbers, UUIDs. What may
 * be coerced is, and every complaint has the reference's words, since clients show and compare them.
 */
import { Invalid, notNull, type Reader } from './validation.ts';

export function text(options: { min?: number } = {}): Reader<string> {
  const min = options.min ?? 0;
  return (given) => {
    const value = notNull(given);
    if (typeof value !== 'string') {
      throw new Invalid(['Not a valid string.']);
    }
    if (value.length < min) {
      throw new Invalid([`Shorter than minimum length ${min}.`]);
    }
    return value;
  };
}

/** Exactly one of these words. */
export function oneOf<const T extends string>(words: readonly T[]): Reader<T> {
  const read = text();
  return (value) => {
    const given = read(value);
    const word = words.find((each) => each === given);
    if (word === undefined) {
      throw new Invalid([`Must be one of: ${words.join(', ')}.`]);
    }
    return word;
  };
}

const TRUE_WORDS = new Set(spellings('t', 'true', 'on', 'y', 'yes', '1'));
const FALSE_WORDS = new Set(spellings('f', 'false', 'off', 'n', 'no', '0'));

/** Lower case, Capitalised and UPPER case, and no other mixture. */
function spellings(...words: string[]): string[] {
  return words.flatMap((word) => [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()]);
}

export const boolean: Reader<boolean> = (value) => {
  notNull(value);
  if (value === true || value === 1 || (typeof value === 'string' && TRUE_WORDS.has(value))) {
    return true;
  }
  if (value === false || value === 0 || (typeof value === 'string' && FALSE_WORDS.has(value))) {
    return false;
  }
  throw new Invalid(['Not a valid boolean.']);
};

/** Numbers lose their fraction; text may hold a whole number. */
export function integer(bounds: { min: number; max: number }): Reader<number> {
  return (value) => {
    const number = wholeNumber(notNull(value));
    if (number === undefined) {
      throw new Invalid(['Not a valid integer.']);
    }
    if (number < bounds.min) {
      throw new Invalid([`Must be greater than or equal to ${bounds.min}.`]);
    }
    if (number > bounds.max) {
      throw new Invalid([`Must be less than or equal to ${bounds.max}.`]);
    }
    return number;
  };
}

function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) {
    return Math.trunc(value);
  }
  const isNumeric = typeof value === 'string' && /^\s*[+-]?\d+(_\d+)*\s*$/.test(value);
  return isNumeric ? Number(value.replaceAll('_', '')) : undefined;
}

/** The 32 hexadecimal digits of a UUID in any dress that Python takes off, or undefined. */
function uuidDigits(value: unknown): string | undefined {
  if (typeof value !== 'string') {
    return undefined;
  }
  const bare = value
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '');
  return /^[0-9a-fA-F]{32}$/.test(bare) ? bare.toLowerCase() : undefined;
}

/** Lower case with dashes, whatever was sent. */
export const uuid: Reader<string> = (value) => {
  const digits = uuidDigits(notNull(value));
  if (digits === undefined) {
    throw new Invalid(['Not a valid UUID.']);
  }
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/** As it was sent. */
export const uuidVerbatim: Reader<string> = (value) => {
  if (typeof notNull(value) !== 'string' || uuidDigits(value) === undefined) {
    throw new Invalid(['Not a valid UUID.']);
  }
  return String(value);
};
