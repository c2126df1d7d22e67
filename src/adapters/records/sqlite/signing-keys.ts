import type { Kysely } from 'kysely';
import type { SigningKey } from '../../../contract/signing-keys.ts';
import type { SigningKeyStore } from '../../../features/signing-keys/store.ts';
import type { Tables } from './schema.ts';

export function signingKeyStore(db: Kysely<Tables>): SigningKeyStore {
  return {
    async list() {
      const rows = await db.selectFrom('signing_keys').select('record_json').orderBy('position').execute();
      return rows.map((row): SigningKey => JSON.parse(row.record_json));
    },
    async find(id) {
      const row = await db
        .selectFrom('signing_keys')
        .select('record_json')
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.record_json);
    },
    async put(key) {
      const record_json = JSON.stringify(key);
      await db
        .insertInto('signing_keys')
        .values({ id: key.id, record_json })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ record_json }))
        .execute();
    },
    async delete(id) {
      const result = await db.deleteFrom('signing_keys').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
