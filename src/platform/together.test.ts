import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { together } from './together.ts';

it('gives what all of them give, in their order', async () => {
  const late = setImmediate('first');
  expect(await together([late, Promise.resolve(2)])).toEqual(['first', 2]);
});

it('fails with the first one that failed, once none is under way', async () => {
  let over = false;
  const late = setImmediate().then(() => {
    over = true;
  });
  const works = [Promise.reject(new Error('one')), late, Promise.reject(new Error('two'))] as const;
  await expect(together(works)).rejects.toThrow('one');
  expect(over).toBe(true);
});
