import { expect, test } from 'vitest';
import { dueWarning, shellTimes, warningKey } from './limits.ts';

const limits = { opened: 0, idleSeconds: 1800, totalSeconds: 7200 };

test('a shell ends at its total limit, or when nothing went on in it for the idle one', () => {
  expect(shellTimes(limits, 60_000, 0)).toEqual({ ends: 7_200_000, idleEnds: 1_860_000 });
  expect(shellTimes(limits, 7_000_000, 0)).toEqual({ ends: 7_200_000, idleEnds: 7_200_000 });
});

test('who asks for more time gets it for both: nobody extends a shell that closes before', () => {
  expect(shellTimes(limits, 60_000, 3600)).toEqual({ ends: 10_800_000, idleEnds: 5_460_000 });
});

test('each warning is given once, and anew when the limit was moved', () => {
  const times = shellTimes(limits, 0, 0);
  expect(dueWarning(times, 1_100_000, new Set())).toBeUndefined();
  expect(dueWarning(times, 1_300_000, new Set())).toBe(600);
  const given = new Set([warningKey(times, 600)]);
  expect(dueWarning(times, 1_300_000, given)).toBeUndefined();
  expect(dueWarning(times, 1_750_000, given)).toBe(60);
  const moved = shellTimes(limits, 0, 60);
  expect(dueWarning(moved, 1_300_000, given)).toBe(600);
});
