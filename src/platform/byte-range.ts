/** The `Range` header of HTTP, as far as one range of bytes goes. */
import { KilnError } from '../contract/errors.ts';

/** Inclusive, as in HTTP: bytes `start` to `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The inclusive range that the header asks for, cut to the size; undefined for all of it, also where the
 * header is one that may be ignored (RFC 9110). Throws `range-not-satisfiable`.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) {
    return undefined;
  }
  const range =
    first === ''
      ? { start: Math.max(0, sizeBytes - Number(last)), end: sizeBytes - 1 }
      : { start: Number(first), end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
  if (first !== '' && last !== '' && Number(last) < Number(first)) {
    return undefined;
  }
  if (range.start > range.end) {
    throw new KilnError('range-not-satisfiable', `there are ${sizeBytes} bytes, asked was ${header}`);
  }
  return range;
}
