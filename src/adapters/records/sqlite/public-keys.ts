import type { Kysely } from 'kysely';
import type { PublicKey } from '../../../contract/public-keys.ts';
import type { PublicKeyStore } from '../../../features/public-keys/store.ts';
import { pageOf } from './page.ts';
import type { Tables } from './schema.ts';

export function publicKeyStore(db: Kysely<Tables>): PublicKeyStore {
  return {
    async list() {
      const rows = await db.selectFrom('public_keys').select('record_json').orderBy('position').execute();
      return rows.map((row): PublicKey => JSON.parse(row.record_json));
    },
    page: (query) => pageOf<PublicKey>(db, 'public_keys', query),
    async find(id) {
      const row = await db
        .selectFrom('public_keys')
        .select('record_json')
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.record_json);
    },
    async insert(key) {
      await db
        .insertInto('public_keys')
        .values({ id: key.id, record_json: JSON.stringify(key) })
        .execute();
    },
    async update(key) {
      const record_json = JSON.stringify(key);
      const result = await db
        .updateTable('public_keys')
        .set({ record_json })
        .where('id', '=', key.id)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(id) {
      const result = await db.deleteFrom('public_keys').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
