import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireError } from './answers.ts';
import { parseJobFilter } from './job-filters.ts';

const NOW = new Date('2026-06-01T00:00:00.000Z');
const MINUTES = { w: 10_080, d: 1_440, h: 60, m: 1 } as const;

const parse = (age: string) =>
  parseJobFilter(['age'], (name) => (name === 'age' ? [age] : []), NOW).createdBefore;

test('an age is the sum of its parts, with blanks between them or without, in any case', () => {
  const part = fc.tuple(fc.integer({ min: 0, max: 999 }), fc.constantFrom('w', 'd', 'h', 'm'));
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('', ' ', '  '),
      fc.boolean(),
      (parts, blank, upper) => {
        const age = parts.map(([count, unit]) => `${count}${unit}`).join(blank);
        const minutes = parts.reduce((sum, [count, unit]) => sum + count * MINUTES[unit], 0);
        expect(parse(upper ? age.toUpperCase() : age)).toEqual(new Date(NOW.getTime() - minutes * 60_000));
      },
    ),
  );
});

test('whatever is no age is refused, and never taken for an age of zero', () => {
  fc.assert(
    fc.property(fc.string(), (age) => {
      fc.pre(!/^\s*(\d+\s*[a-z]+\s*)+$/i.test(age));
      expect(() => parse(age)).toThrow(WireError);
    }),
  );
  for (const age of ['', ' ', '5', 'd', '1 d', '1d,2h', '1dd', '3months', '1y', '9'.repeat(20).concat('w')]) {
    expect(() => parse(age), age).toThrow(WireError);
  }
});
