import { expect, test } from 'vitest';
import { formatBytes, formatDuration, GIB } from './bytes.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [120 * 1024, '120 KiB'],
  [2 * GIB, '2.0 GiB'],
  [5000 * 1024 ** 4, '5000 TiB'],
])('%d bytes read as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [3.21, '3.2 s'],
  [252, '4 min 12 s'],
  [7380, '2 h 3 min'],
])('%d seconds read as %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('a duration never shows sixty seconds beside its minutes', () => {
  expect(formatDuration(119.7)).toBe('2 min 0 s');
});
