import type { Kysely } from 'kysely';
import type { MoveOperation, MoveStore } from '../../../ports/moves.ts';
import type { Tables } from './schema.ts';

export function moveStore(db: Kysely<Tables>): MoveStore {
  return {
    async insert(operation) {
      await db
        .insertInto('moves')
        .values({ record_id: operation.recordId, operation_json: JSON.stringify(operation) })
        .execute();
    },
    async find(recordId) {
      const row = await db
        .selectFrom('moves')
        .select('operation_json')
        .where('record_id', '=', recordId)
        .executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.operation_json);
    },
    async list() {
      const rows = await db.selectFrom('moves').select('operation_json').orderBy('position').execute();
      return rows.map((row): MoveOperation => JSON.parse(row.operation_json));
    },
    async delete(recordId) {
      const result = await db.deleteFrom('moves').where('record_id', '=', recordId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
