/** The rules of signing keys: one record a key, told apart by its fingerprint. */
import { KilnError } from '../../contract/errors.ts';
import type { SigningKey, SigningKeyCreate } from '../../contract/signing-keys.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Records } from '../../ports/records.ts';
import { parseSigningKey } from './parse.ts';

export type SigningKeyService = ReturnType<typeof createSigningKeyService>;

export function createSigningKeyService(deps: { records: Records; clock: Clock; ids: Ids }) {
  const { records, clock, ids } = deps;
  const get = async (id: string): Promise<SigningKey> => {
    const key = await records.signingKeys.find(id);
    if (key === undefined) {
      throw new KilnError('signing-key-not-found', `there is no signing key ${id}`);
    }
    return key;
  };
  return {
    list: () => records.signingKeys.list(),
    get,

    /** Registers the key; one with its fingerprint is renewed and keeps its id. Throws `signing-key-invalid`. */
    async create({ name, public_key }: SigningKeyCreate): Promise<SigningKey> {
      const parsed = await parseSigningKey(public_key, clock.now());
      return await records.transaction(async (inside) => {
        const known = (await inside.signingKeys.list()).find((key) => key.fingerprint === parsed.fingerprint);
        const key: SigningKey = {
          id: known?.id ?? ids.id(),
          created: known?.created ?? timestamp(clock.now()),
          name: name ?? known?.name ?? parsed.users[0] ?? parsed.fingerprint,
          ...parsed,
        };
        await inside.signingKeys.put(key);
        return key;
      });
    },

    /** Builds that start from now on do not trust it any more. */
    async delete(id: string): Promise<void> {
      await get(id);
      await records.transaction((inside) => inside.signingKeys.delete(id));
    },
  };
}
