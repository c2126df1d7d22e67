import type { Kysely } from 'kysely';
import { NOTHING_KNOWN, type NodeStore, nodeOf } from '../../../features/nodes/store.ts';
import type { Tables } from './schema.ts';

export function nodeStore(db: Kysely<Tables>): NodeStore {
  return {
    async list() {
      const rows = await db.selectFrom('nodes').select('record_json').orderBy('position').execute();
      return rows.map((row) => nodeOf(JSON.parse(row.record_json)));
    },
    async find(xname) {
      const row = await db
        .selectFrom('nodes')
        .select('record_json')
        .where('xname', '=', xname)
        .executeTakeFirst();
      return row === undefined ? undefined : nodeOf(JSON.parse(row.record_json));
    },
    async put(node) {
      const record_json = JSON.stringify(node);
      await db
        .insertInto('nodes')
        .values({ xname: node.xname, record_json })
        .onConflict((conflict) => conflict.column('xname').doUpdateSet({ record_json }))
        .execute();
    },
    async delete(xname) {
      const result = await db.deleteFrom('nodes').where('xname', '=', xname).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async knowledge(xname) {
      const row = await db
        .selectFrom('nodes')
        .select('knowledge_json')
        .where('xname', '=', xname)
        .executeTakeFirst();
      const known = row?.knowledge_json ?? null;
      return known === null ? NOTHING_KNOWN : { ...NOTHING_KNOWN, ...JSON.parse(known) };
    },
    async setKnowledge(xname, knowledge) {
      const knowledge_json = JSON.stringify(knowledge);
      await db.updateTable('nodes').set({ knowledge_json }).where('xname', '=', xname).execute();
    },
  };
}
