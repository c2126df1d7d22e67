import { describe, expect, it } from 'vitest';
import { keyedLock } from './keyed-lock.ts';

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('a keyed lock', () => {
  it('runs what has the same key one after another, in the order in which it came', async () => {
    const lock = keyedLock();
    const first = gate();
    const seen: string[] = [];

    const slow = lock('a', async () => {
      await first.opened;
      seen.push('first');
    });
    const next = lock('a', async () => seen.push('second'));
    first.open();
    await Promise.all([slow, next]);

    expect(seen).toEqual(['first', 'second']);
  });

  it('does not keep other keys waiting', async () => {
    const lock = keyedLock();
    const first = gate();
    const slow = lock('a', () => first.opened);

    await expect(lock('b', async () => 'done')).resolves.toBe('done');
    first.open();
    await slow;
  });

  it('goes on after work that failed, and hands on its error', async () => {
    const lock = keyedLock();
    const failing = lock('a', () => Promise.reject(new Error('no')));
    const next = lock('a', async () => 'done');

    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('done');
  });
});
