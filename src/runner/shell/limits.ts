/** How long a shell may stay: an idle and a total limit, both moved by what is added to them. Times in ms since the epoch. */

export interface ShellLimits {
  readonly opened: number;
  readonly idleSeconds: number;
  readonly totalSeconds: number;
}

export interface ShellTimes {
  readonly ends: number;
  readonly idleEnds: number;
}

/** When the shell is closed: at the latest, and if nothing goes on from now on. */
export function shellTimes(limits: ShellLimits, lastActivity: number, extendedSeconds: number): ShellTimes {
  const ends = limits.opened + (limits.totalSeconds + extendedSeconds) * 1000;
  const idleEnds = lastActivity + (limits.idleSeconds + extendedSeconds) * 1000;
  return { ends, idleEnds: Math.min(ends, idleEnds) };
}

/** Times before the end, in seconds, at which people are told; the longest that fits the limit comes first. */
const WARNINGS = [600, 60] as const;

/** The warning that is due: seconds that are left, of those that were not given yet. */
export function dueWarning(times: ShellTimes, now: number, given: ReadonlySet<string>): number | undefined {
  const left = (times.idleEnds - now) / 1000;
  return WARNINGS.findLast((seconds) => left <= seconds && !given.has(warningKey(times, seconds)));
}

/** A limit that was moved warns anew. */
export function warningKey(times: ShellTimes, seconds: number): string {
  return `${Math.round(times.idleEnds / 1000)}-${seconds}`;
}
