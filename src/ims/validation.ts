/**
 * Reads objects, lists and maps of a request the way the reference does: what is unknown is refused, all that is wrong
 * is told at once, and every complaint has the reference's words. It knows shapes, not nouns; single values are read
 * by `scalars.ts`.
 */

/** A list of complaints, or complaints by field (or by index, as text, in a list). */
export type Complaints = readonly string[] | { readonly [field: string]: Complaints };

/** Why a value was refused. */
export class Invalid extends Error {
  readonly complaints: Complaints;

  constructor(complaints: Complaints) {
    super('the value is not valid');
    this.name = 'Invalid';
    this.complaints = complaints;
  }
}

/** Gives the value in its own type; throws `Invalid`. */
export type Reader<T> = (value: unknown) => T;

const MISSING = 'Missing data for required field.';
const UNKNOWN = 'Unknown field.';
const NO_OBJECT = 'Invalid input type.';

/** Throws `Invalid` for null, and gives any other value back. */
export function notNull(value: unknown): unknown {
  if (value === null) {
    throw new Invalid(['Field may not be null.']);
  }
  return value;
}

/** What an object that is none is told. */
export const NOT_AN_OBJECT: Complaints = { _schema: [NO_OBJECT] };

export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value) => (value === null ? null : read(value));
}

export function list<T>(read: Reader<T>): Reader<T[]> {
  return (raw) => {
    const value = notNull(raw);
    if (!Array.isArray(value)) {
      throw new Invalid(['Not a valid list.']);
    }
    return readEach((value as unknown[]).map((item, index) => [String(index), item, read])).map(
      ([, item]) => item,
    );
  };
}

/** An object of any keys whose values are all read alike. */
export function mapOf<T>(read: Reader<T>): Reader<Record<string, T>> {
  return (raw) => {
    const value = notNull(raw);
    if (!isObject(value)) {
      throw new Invalid(['Not a valid mapping type.']);
    }
    const entries = Object.entries(value);
    return Object.fromEntries(
      readEach(entries.map(([key, inner]) => [key, inner, nestedUnder('value', read)])),
    );
  };
}

/** Complaints about a value of a map are told under `value`. */
function nestedUnder<T>(name: string, read: Reader<T>): Reader<T> {
  return (value) => {
    try {
      return read(value);
    } catch (error) {
      throw error instanceof Invalid ? new Invalid({ [name]: error.complaints }) : error;
    }
  };
}

interface Field<T, Presence extends 'always' | 'perhaps'> {
  readonly read: Reader<T>;
  readonly presence: Presence;
  readonly missing: 'refuse' | 'leave out' | { readonly value: T };
}

export function required<T>(read: Reader<T>): Field<T, 'always'> {
  return { read, presence: 'always', missing: 'refuse' };
}

export function optional<T>(read: Reader<T>): Field<T, 'perhaps'> {
  return { read, presence: 'perhaps', missing: 'leave out' };
}

export function withDefault<T>(read: Reader<T>, value: T): Field<T, 'always'> {
  return { read, presence: 'always', missing: { value } };
}

type Shape = Record<string, Field<unknown, 'always' | 'perhaps'>>;
type ValueOf<F> = F extends { readonly read: Reader<infer T> } ? T : never;
type KeysWith<S extends Shape, P> = { [K in keyof S]: S[K]['presence'] extends P ? K : never }[keyof S];
type ObjectOf<S extends Shape> = { [K in KeysWith<S, 'always'>]: ValueOf<S[K]> } & {
  [K in KeysWith<S, 'perhaps'>]?: ValueOf<S[K]>;
};

/** An object of these fields and no other; all that is wrong with it is told at once. */
export function object<S extends Shape>(shape: S): Reader<ObjectOf<S>> {
  return (raw) => {
    const value = notNull(raw);
    if (!isObject(value)) {
      throw new Invalid(NOT_AN_OBJECT);
    }
    const given = Object.entries(shape).flatMap(([name, field]): [string, unknown, Reader<unknown>][] => {
      if (Object.hasOwn(value, name)) {
        return [[name, Reflect.get(value, name), field.read]];
      }
      switch (field.missing) {
        case 'leave out':
          return [];
        case 'refuse':
          return [[name, undefined, refuse(MISSING)]];
        default: {
          const fallback = field.missing.value;
          return [[name, undefined, () => fallback]];
        }
      }
    });
    const unknown = Object.keys(value)
      .filter((name) => !Object.hasOwn(shape, name))
      .map((name): [string, unknown, Reader<unknown>] => [name, undefined, refuse(UNKNOWN)]);
    return Object.fromEntries(readEach([...given, ...unknown])) as ObjectOf<S>;
  };
}

function refuse(complaint: string): Reader<never> {
  return () => {
    throw new Invalid([complaint]);
  };
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads all of them before it complains, so that a client learns of everything at once. */
function readEach<T>(parts: readonly (readonly [string, unknown, Reader<T>])[]): [string, T][] {
  const values: [string, T][] = [];
  const complaints: [string, Complaints][] = [];
  for (const [name, value, read] of parts) {
    try {
      values.push([name, read(value)]);
    } catch (error) {
      if (!(error instanceof Invalid)) {
        throw error;
      }
      complaints.push([name, error.complaints]);
    }
  }
  if (complaints.length > 0) {
    throw new Invalid(Object.fromEntries(complaints));
  }
  return values;
}
