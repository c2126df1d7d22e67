/** Ages as the reference's bulk deletion has them: `2w`, `3days`, `1d 6h`. */
import { UsageError } from './context.ts';

const MINUTE = 60_000;
const UNITS: Readonly<Record<string, number>> = {
  w: 7 * 24 * 60 * MINUTE,
  d: 24 * 60 * MINUTE,
  h: 60 * MINUTE,
  m: MINUTE,
};
const PART = /(\d+)(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m)\s*/gi;

/**
 * Milliseconds. Throws `UsageError` for anything that is not an age as a whole: the reference takes such text for no
 * age at all, and deletes everything.
 */
export function ageOf(flag: string, text: string): number {
  const parts = [...text.trim().matchAll(PART)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) {
    throw new UsageError(
      `${flag} ${text}: it has to be a number and w, d, h or m, for example 2w or "1d 6h"`,
    );
  }
  return parts.reduce((sum, [, count, unit = '']) => {
    const [letter = ''] = unit.toLowerCase();
    return sum + Number(count) * (UNITS[letter] ?? 0);
  }, 0);
}
