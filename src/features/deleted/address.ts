/** Where the objects of deleted records are kept: below `deleted/` in their own bucket. */
import type { ObjectAddress } from '../objects/store.ts';

const PREFIX = 'deleted/';

export function deletedAddress({ bucket, key }: ObjectAddress): ObjectAddress {
  return { bucket, key: `${PREFIX}${key}` };
}

/** Undefined for an address that is not that of a deleted object. */
export function restoredAddress({ bucket, key }: ObjectAddress): ObjectAddress | undefined {
  return key.startsWith(PREFIX) && key.length > PREFIX.length
    ? { bucket, key: key.slice(PREFIX.length) }
    : undefined;
}
