/** Time as an argument, so that a test can hold it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** RFC 3339, UTC, milliseconds: the one way in which Kiln writes a time. */
export function timestamp(date: Date): string {
  return date.toISOString();
}
