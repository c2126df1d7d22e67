import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { withLock } from './process-lock.ts';

it('lets one holder work at a time, and frees the lock when the work fails', async () => {
  const name = randomUUID();
  let working = 0;
  let most = 0;
  const work = async () => {
    working += 1;
    most = Math.max(most, working);
    await new Promise((resolve) => setImmediate(resolve));
    working -= 1;
    throw new Error('failed');
  };
  const results = await Promise.allSettled([1, 2, 3].map(() => withLock(name, undefined, work)));
  expect(results.every((result) => result.status === 'rejected')).toBe(true);
  expect(most).toBe(1);
});

it('gives up waiting when the signal says so', async () => {
  const name = randomUUID();
  const stop = new AbortController();
  await withLock(name, undefined, async () => {
    const waiting = withLock(name, stop.signal, async () => 'had it');
    stop.abort();
    await expect(waiting).rejects.toThrow();
  });
});
