import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plain } from './text.ts';

test.each([
  ['\u001b[1;31mred\u001b[0m', 'red'],
  ['\u001b]0;title\u0007text', 'text'],
  ['\u001b]8;;http://x\u001b\\link', 'link'],
  ['a\rb\u0000c\u009bd', 'abcd'],
  ['tab\tline\nnext', 'tab\tline\nnext'],
  ['grün ✔ 日本', 'grün ✔ 日本'],
])('%j becomes %j', (text, expected) => {
  expect(plain(text)).toBe(expected);
});

test('nothing that a terminal would obey is left of any text', () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom('\u001b', '\u001b[', '\u009b', '\u0007', '[2J', ']0;'));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
      expect(plain(pieces.join(''))).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }),
  );
});
