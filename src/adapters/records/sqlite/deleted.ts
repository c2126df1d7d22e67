import type { Kysely } from 'kysely';
import type { DeletedStore } from '../../../features/deleted/store.ts';
import { pageOf } from './page.ts';
import type { Tables } from './schema.ts';

/** One store for the three tables of deleted records, which differ in what they hold alone. */
export function deletedStore<T extends { readonly id: string }>(
  db: Kysely<Tables>,
  table: 'deleted_recipes' | 'deleted_images' | 'deleted_public_keys',
): DeletedStore<T> {
  return {
    async list() {
      const rows = await db.selectFrom(table).select('record_json').orderBy('position').execute();
      return rows.map((row): T => JSON.parse(row.record_json));
    },
    page: (query) => pageOf<T>(db, table, query),
    async find(id) {
      const row = await db.selectFrom(table).select('record_json').where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.record_json);
    },
    async insert(record) {
      await db
        .insertInto(table)
        .values({ id: record.id, record_json: JSON.stringify(record) })
        .execute();
    },
    async update(record) {
      const result = await db
        .updateTable(table)
        .set({ record_json: JSON.stringify(record) })
        .where('id', '=', record.id)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(id) {
      const result = await db.deleteFrom(table).where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
