/** Deleting public keys so that they can be had back. They have no objects: each step is one transaction. */

import type { DeletedPublicKey } from '../../contract/deleted.ts';
import { KilnError } from '../../contract/errors.ts';
import type { ListQuery } from '../../contract/listing.ts';
import type { PublicKey } from '../../contract/public-keys.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Records } from '../../ports/records.ts';
import { type ListFilters, listed } from '../requests/index.ts';

export type DeletedPublicKeyService = ReturnType<typeof createDeletedPublicKeys>;

export function createDeletedPublicKeys({ records, clock }: { records: Records; clock: Clock }) {
  const find = async (id: string, from: Records = records): Promise<DeletedPublicKey> => {
    const key = await from.deletedPublicKeys.find(id);
    if (key === undefined) {
      throw new KilnError('public-key-not-found', `there is no deleted public key ${id}`);
    }
    return key;
  };
  const takeAway = async (id: string, inside: Records): Promise<PublicKey> => {
    const key = await inside.publicKeys.find(id);
    if (key === undefined) {
      throw new KilnError('public-key-not-found', `there is no public key ${id}`);
    }
    await inside.publicKeys.delete(id);
    return key;
  };

  return {
    list: () => records.deletedPublicKeys.list(),
    page: (query: ListQuery, filters: ListFilters = {}) => listed(records.deletedPublicKeys, query, filters),
    get: (id: string) => find(id),
    /** Deletes an active key. Throws `public-key-not-found`, as do the others. */
    bury: (id: string): Promise<void> =>
      records.transaction(async (inside) => {
        const key = await takeAway(id, inside);
        await inside.deletedPublicKeys.insert({ ...key, deleted: timestamp(clock.now()) });
      }),
    undelete: (id: string): Promise<PublicKey> =>
      records.transaction(async (inside) => {
        const { deleted: _when, ...key } = await find(id, inside);
        await inside.deletedPublicKeys.delete(id);
        await inside.publicKeys.insert(key);
        return key;
      }),
    purge: (id: string): Promise<void> =>
      records.transaction(async (inside) => {
        await find(id, inside);
        await inside.deletedPublicKeys.delete(id);
      }),
    /** Removes an active key for good. */
    hardDelete: (id: string): Promise<void> =>
      records.transaction(async (inside) => {
        await takeAway(id, inside);
      }),
  };
}
