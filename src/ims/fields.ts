/** Fields that several nouns share, and what each noun takes in a request. */
import { ARCHITECTURES, type Link } from '../contract/common.ts';
import { oneOf, text } from './scalars.ts';
import { Invalid, isObject, list, mapOf, object, optional, type Reader, required } from './validation.ts';

/** In the order in which the reference lists them. */
export const architecture = oneOf([...ARCHITECTURES].sort());

const storedLink = object({
  path: required(text({ min: 1 })),
  type: required(oneOf(['s3'])),
  etag: optional(text()),
});

/** As it was sent: whether there was an etag decides later whether a link is the same. */
export const link: Reader<Link> = (value) => {
  const { path, type, etag } = storedLink(value);
  return { path, type, ...(etag === undefined ? {} : { etag }) };
};

/** A record that is made with a link always has an etag. */
export function withEtag(given: Link | null | undefined): Link | null {
  return given === null || given === undefined ? null : { ...given, etag: given.etag ?? '' };
}

/** Members and all: an absent etag is not an empty one. */
export function sameLink(one: Link, other: Link): boolean {
  return one.path === other.path && one.type === other.type && one.etag === other.etag;
}

export const keyValues = list(object({ key: required(text()), value: required(text()) }));

const onePair = object({ key: required(text()), value: optional(text()) });
const pairs = mapOf(text());

/** One pair `{key, value}`, or a whole map, which is anything without a member `key`. */
export const newMetadata: Reader<Record<string, string>> = (value) => {
  if (isObject(value) && Object.hasOwn(value, 'key')) {
    const pair = onePair(value);
    return Object.fromEntries([[pair.key, pair.value ?? '']]);
  }
  return pairs(value);
};

const operation = object({
  operation: required(oneOf(['set', 'remove'])),
  key: required(text()),
  value: optional(text()),
});

export type MetadataChange = (before: Readonly<Record<string, string>>) => Record<string, string>;

/** One key per request; removing one that is not there changes nothing. */
export const metadataChange: Reader<MetadataChange> = (value) => {
  const change = operation(value);
  return (before) => {
    const others = Object.entries(before).filter(([key]) => key !== change.key);
    const changed: [string, string][] = [[change.key, change.value ?? '']];
    const stays = change.operation === 'set' && Object.hasOwn(before, change.key);
    if (stays) {
      return Object.fromEntries(
        Object.entries(before).map(([key, old]) => [key, key === change.key ? (change.value ?? '') : old]),
      );
    }
    return Object.fromEntries(change.operation === 'set' ? [...others, ...changed] : others);
  };
};

const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** Name of a file in /boot; never a path. */
export function fileName(options: { min: number }): Reader<string> {
  const read = text(options);
  return (value) => {
    const name = read(value);
    if (name !== '' && !FILE_NAME.test(name)) {
      throw new Invalid(['Not a valid file name.']);
    }
    return name;
  };
}
