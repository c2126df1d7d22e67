import { expect, test } from 'vitest';
import { ageOf } from './age.ts';
import { UsageError } from './context.ts';

const HOUR = 60 * 60_000;

test.each([
  ['30m', HOUR / 2],
  ['6h', 6 * HOUR],
  ['3d', 72 * HOUR],
  ['2w', 14 * 24 * HOUR],
  ['3days', 72 * HOUR],
  ['2HRS', 2 * HOUR],
  ['1d 6h', 30 * HOUR],
  ['1d6h', 30 * HOUR],
])('%s', (text, expected) => {
  expect(ageOf('--age', text)).toBe(expected);
});

test.each(['', '3', 'd', '1y', '2 weeks', '3months', '1d, 6h', '-1d', 'garbage'])(
  '"%s" is no age',
  (text) => {
    expect(() => ageOf('--age', text)).toThrow(UsageError);
  },
);
