/** The `Range` header of HTTP, as far as one range of bytes goes. */
import { KilnError } from '../../contract/errors.ts';

/** The inclusive range, cut to the size; undefined for the whole file. Throws `range-not-satisfiable`. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') {
    return undefined;
  }
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) {
    return undefined;
  }
  if (start > end) {
    throw new KilnError('range-not-satisfiable', `the file has ${size} bytes, asked was ${header}`);
  }
  return { start, end };
}
