/** Times as the reference writes them: UTC without saying so, microseconds unless they are zero. */

/**
 * `2026-01-02T03:04:05.678Z` → `2026-01-02T03:04:05.678000`. A time of another offset than UTC is moved to UTC.
 */
export function wireDate(time: string): string {
  const [, seconds, fraction = '', offset] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(time) ?? [];
  if (seconds === undefined) {
    return time;
  }
  const isUtc = offset === undefined || offset === 'Z' || /^[+-]00:00$/.test(offset);
  const inUtc = isUtc ? seconds : new Date(`${seconds}${offset}`).toISOString().slice(0, seconds.length);
  const micros = fraction.padEnd(6, '0').slice(0, 6);
  return Number(micros) === 0 ? inUtc : `${inUtc}.${micros}`;
}
