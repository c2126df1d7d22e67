import type { Kysely } from 'kysely';
import type { IdempotencyStore } from '../../../ports/idempotency.ts';
import type { Tables } from './schema.ts';

export function idempotencyStore(db: Kysely<Tables>): IdempotencyStore {
  return {
    async find(key) {
      const row = await db.selectFrom('idempotency').selectAll().where('key', '=', key).executeTakeFirst();
      return (
        row && {
          key: row.key,
          request: row.request,
          recordId: row.record_id,
          created: row.created,
          done: row.done === 1,
        }
      );
    },
    async put({ key, request, recordId, created, done }) {
      const values = { request, record_id: recordId, created, done: done ? 1 : 0 };
      await db
        .insertInto('idempotency')
        .values({ key, ...values })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
        .execute();
    },
    async delete(key) {
      await db.deleteFrom('idempotency').where('key', '=', key).execute();
    },
    async prune(before) {
      await db.deleteFrom('idempotency').where('created', '<', before).execute();
    },
  };
}
