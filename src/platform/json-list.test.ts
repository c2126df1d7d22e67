import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonList } from './json-list.ts';

it('is the JSON of the list', async () => {
  const record = fc.oneof(fc.jsonValue(), fc.constant('x'.repeat(40_000)));
  await fc.assert(
    fc.asyncProperty(fc.array(record), async (records) => {
      const list = await jsonList(each(records), (same) => same);
      expect(typeof list === 'string' ? list : await text(list)).toBe(JSON.stringify(records));
    }),
    { numRuns: 50 },
  );
});

it('is sent at once when it is short, and in pieces when it is long', async () => {
  expect(await jsonList(each([1, 2]), (same) => same)).toBe('[1,2]');
  expect(await jsonList(each(Array(3).fill('x'.repeat(70_000))), (same) => same)).toBeInstanceOf(Readable);
});

it('stops reading records when nobody wants the rest', async () => {
  let ended = false;
  const endless = async function* () {
    try {
      for (;;) {
        yield 'x'.repeat(1000);
      }
    } finally {
      ended = true;
    }
  };
  const list = (await jsonList(endless(), (same) => same)) as Readable;
  await list.iterator().next();
  list.destroy();
  await new Promise((resolve) => list.once('close', resolve));
  expect(ended).toBe(true);
});

async function* each<T>(records: readonly T[]): AsyncGenerator<T> {
  yield* records;
}
