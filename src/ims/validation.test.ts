import fc from 'fast-check';
import { expect, test } from 'vitest';
import { integer, text, uuid, uuidVerbatim } from './scalars.ts';
import { Invalid, list, mapOf, object, optional, required, withDefault } from './validation.ts';

function complaintsOf(read: () => unknown) {
  try {
    return { value: read() };
  } catch (error) {
    return error instanceof Invalid ? error.complaints : error;
  }
}

test('a UUID is read in every form that Python reads, and normalised', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      const forms = [id, id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, `urn:uuid:${id}`];
      expect(forms.map(uuid)).toEqual(forms.map(() => id));
      expect(forms.map(uuidVerbatim)).toEqual(forms);
    }),
  );
  for (const wrong of ['', 'x', 7, {}, [], '0'.repeat(31), `${'0'.repeat(32)}0`]) {
    expect(complaintsOf(() => uuid(wrong))).toEqual(['Not a valid UUID.']);
  }
  expect(complaintsOf(() => uuid(null))).toEqual(['Field may not be null.']);
});

test('a number loses its fraction, text may hold a whole number, booleans are none', () => {
  const read = integer({ min: -5, max: 100 });
  expect([1.9, -1.9, '12', ' 12 ', '1_0', '+3'].map(read)).toEqual([1, -1, 12, 12, 10, 3]);
  for (const wrong of [true, false, '1.5', 'x', '', '0x1', [], {}, Number.POSITIVE_INFINITY]) {
    expect(
      complaintsOf(() => read(wrong)),
      String(wrong),
    ).toEqual(['Not a valid integer.']);
  }
  expect(complaintsOf(() => read(-6))).toEqual(['Must be greater than or equal to -5.']);
  expect(complaintsOf(() => read('101'))).toEqual(['Must be less than or equal to 100.']);
});

test('an object has its fields, its defaults, and no others; complaints nest', () => {
  const read = object({
    name: required(text({ min: 1 })),
    note: optional(text()),
    sizes: withDefault(list(integer({ min: 1, max: 9 })), []),
    map: optional(mapOf(text())),
  });
  expect(read({ name: 'a' })).toEqual({ name: 'a', sizes: [] });
  expect(complaintsOf(() => read({ sizes: [1, 'x', 0], map: { a: 1 }, extra: 1, note: null }))).toEqual({
    name: ['Missing data for required field.'],
    note: ['Field may not be null.'],
    sizes: { 1: ['Not a valid integer.'], 2: ['Must be greater than or equal to 1.'] },
    map: { a: { value: ['Not a valid string.'] } },
    extra: ['Unknown field.'],
  });
});

test('no name of a field is special, and none gets in', () => {
  const read = object({ name: optional(text()) });
  fc.assert(
    fc.property(fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'), (name) => {
      const complaints = complaintsOf(() => read(JSON.parse(`{"${name}":1}`)));
      expect(Object.entries(complaints as object)).toEqual([[name, ['Unknown field.']]]);
    }),
  );
});
