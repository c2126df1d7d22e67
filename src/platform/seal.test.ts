import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSealer } from './seal.ts';

const key = randomBytes(32);
const sealer = createSealer(key, 'test');

test('what was sealed comes back, and does not show', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const sealed = sealer.seal(text);
      expect(sealer.unseal(sealed)).toBe(text);
      expect(sealer.seal(text)).not.toBe(sealed);
    }),
  );
});

test('what was changed, or sealed by another key or for another purpose, is refused', () => {
  const sealed = sealer.seal('a secret');
  const bytes = Buffer.from(sealed, 'base64');
  for (const index of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    expect(() => sealer.unseal(changed.toString('base64'))).toThrow();
  }
  expect(() => createSealer(key, 'another').unseal(sealed)).toThrow();
  expect(() => createSealer(randomBytes(32), 'test').unseal(sealed)).toThrow();
  expect(() => sealer.unseal('')).toThrow();
});
