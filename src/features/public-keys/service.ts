/** The rules of public keys. */
import { KilnError } from '../../contract/errors.ts';
import type { ListQuery } from '../../contract/listing.ts';
import type { PublicKey, PublicKeyCreate, PublicKeyUpdate } from '../../contract/public-keys.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Records } from '../../ports/records.ts';
import { type ListFilters, listed } from '../requests/index.ts';

export type PublicKeyService = ReturnType<typeof createPublicKeyService>;

export function createPublicKeyService(deps: { records: Records; clock: Clock; ids: Ids }) {
  const { records, clock, ids } = deps;
  const find = async (id: string, from: Records = records): Promise<PublicKey> => {
    const key = await from.publicKeys.find(id);
    if (key === undefined) {
      throw new KilnError('public-key-not-found', `there is no public key ${id}`);
    }
    return key;
  };

  return {
    list: () => records.publicKeys.list(),
    page: (query: ListQuery, filters: ListFilters = {}) => listed(records.publicKeys, query, filters),
    get: (id: string) => find(id),
    /** `id`: chosen before, when the request may come again. */
    async create(request: PublicKeyCreate, id = ids.id()): Promise<PublicKey> {
      const key: PublicKey = { id, created: timestamp(clock.now()), ...request };
      await records.transaction((inside) => inside.publicKeys.insert(key));
      return key;
    },
    update: (id: string, change: PublicKeyUpdate): Promise<PublicKey> =>
      records.transaction(async (inside) => {
        const after = { ...(await find(id, inside)), ...change };
        await inside.publicKeys.update(after);
        return after;
      }),
  };
}
