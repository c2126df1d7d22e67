import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRpmRelationVersion, toRpmVersion } from './versions.ts';

/** The order of dpkg, with which the order of rpm is compared: characters by weight, then numbers, in turn. */
function compareDebian(a: string, b: string): number {
  const weight = (char: string | undefined) => {
    if (char === undefined || /\d/.test(char)) return 0;
    if (char === '~') return -1;
    return /[a-z]/i.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
  };
  let [left, right] = [a, b];
  while (left !== '' || right !== '') {
    const texts = [/^\D*/.exec(left)?.[0] ?? '', /^\D*/.exec(right)?.[0] ?? ''] as const;
    for (let index = 0; index < Math.max(texts[0].length, texts[1].length); index += 1) {
      const difference = weight(texts[0][index]) - weight(texts[1][index]);
      if (difference !== 0) return Math.sign(difference);
    }
    left = left.slice(texts[0].length);
    right = right.slice(texts[1].length);
    const numbers = [/^\d*/.exec(left)?.[0] ?? '', /^\d*/.exec(right)?.[0] ?? ''] as const;
    if (Number(numbers[0]) !== Number(numbers[1])) return Math.sign(Number(numbers[0]) - Number(numbers[1]));
    left = left.slice(numbers[0].length);
    right = right.slice(numbers[1].length);
  }
  return 0;
}

/** The order of rpm: runs of digits or letters in turn, whatever is between them; `~` before the end. */
function compareRpm(a: string, b: string): number {
  const parts = (text: string) => text.match(/~|\d+|[a-z]+/gi) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [one, two] = [left[index], right[index]];
    if (one === two) continue;
    if (one === '~' || two === '~') return one === '~' ? -1 : 1;
    if (one === undefined || two === undefined) return one === undefined ? -1 : 1;
    const numeric = [/^\d/.test(one), /^\d/.test(two)] as const;
    if (numeric[0] !== numeric[1]) return numeric[0] ? 1 : -1;
    const difference = numeric[0] ? Number(one) - Number(two) : one < two ? -1 : one > two ? 1 : 0;
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

const number = fc.nat(99).map(String);
const dotted = fc.array(number, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
const suffix = fc.oneof(
  fc.constant(''),
  fc.tuple(fc.constantFrom('~rc', '~beta', '+dfsg', '+ds'), number).map((parts) => parts.join('')),
);
const upstream = fc.tuple(dotted, suffix).map((parts) => parts.join(''));
const revision = fc
  .tuple(number, fc.constantFrom('', '.1', '+b1', '+b2', '~bpo1'))
  .map((parts) => parts.join(''));

describe('a version of Debian', () => {
  it.each([
    ['5.3-4', { epoch: 0, version: '5.3', release: '4' }],
    ['1:10.6p1-1', { epoch: 1, version: '10.6p1', release: '1' }],
    ['2.0-5-1', { epoch: 0, version: '2.0.5', release: '1' }],
    ['2:6.3.0+dfsg-5+b2', { epoch: 2, version: '6.3.0+dfsg', release: '5+b2' }],
    ['1.5.92', { epoch: 0, version: '1.5.92', release: '1' }],
    ['6.6~rc1', { epoch: 0, version: '6.6~rc1', release: '1' }],
    ['0:1.0', { epoch: 0, version: '1.0', release: '1' }],
  ])('%s', (text, expected) => {
    expect(toRpmVersion(text)).toEqual(expected);
  });

  it.each(['', ' ', '1.0 2', '1.0_2', 'a/b', '1.0-1;rm'])('is not "%s"', (text) => {
    expect(() => toRpmVersion(text)).toThrow('no version of Debian');
  });

  it('becomes parts that rpm accepts, whatever it is', () => {
    const any = fc.stringMatching(/^(\d{1,2}:)?[0-9][A-Za-z0-9.+~:-]{0,20}$/);
    fc.assert(
      fc.property(any, (text) => {
        const { epoch, version, release } = toRpmVersion(text);
        expect(epoch).toBeGreaterThanOrEqual(0);
        expect(version).toMatch(/^[A-Za-z0-9.+~]+$/);
        expect(release).toMatch(/^[A-Za-z0-9.+~]+$/);
      }),
    );
  });

  it('keeps its place among others of the same kind', () => {
    fc.assert(
      fc.property(upstream, upstream, (one, two) => {
        // To Debian 1.0.1 is later than 1.0+ds1, to rpm too: digits after letters.
        expect(compareRpm(toRpmVersion(one).version, toRpmVersion(two).version)).toBe(
          compareDebian(one, two),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('satisfies its own relation, with and without a revision', () => {
    fc.assert(
      fc.property(fc.nat(9), upstream, revision, (epoch, version, release) => {
        const whole = toRpmVersion(`${epoch}:${version}-${release}`);
        const prefix = epoch === 0 ? '' : `${epoch}:`;
        expect(toRpmRelationVersion(`${epoch}:${version}-${release}`)).toBe(
          `${prefix}${whole.version}-${whole.release}`,
        );
        expect(toRpmRelationVersion(`${epoch}:${version}`)).toBe(`${prefix}${whole.version}`);
      }),
    );
  });
});
