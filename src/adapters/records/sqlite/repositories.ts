import type { Kysely } from 'kysely';
import type {
  RepositoryRecord,
  RepositoryStore,
  UpstreamSecrets,
} from '../../../features/repositories/store.ts';
import type { Tables } from './schema.ts';

export function repositoryStore(db: Kysely<Tables>): RepositoryStore {
  return {
    async list() {
      const rows = await db.selectFrom('repositories').select('record_json').orderBy('position').execute();
      return rows.map((row): RepositoryRecord => JSON.parse(row.record_json));
    },
    async find(name) {
      const row = await db
        .selectFrom('repositories')
        .select('record_json')
        .where('name', '=', name)
        .executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.record_json);
    },
    async put(record, secrets) {
      const record_json = JSON.stringify(record);
      const change = {
        record_json,
        ...(secrets === undefined ? {} : { secrets_json: JSON.stringify(secrets) }),
      };
      await db
        .insertInto('repositories')
        .values({ name: record.name, ...change })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(change))
        .execute();
    },
    async secrets(name) {
      const row = await db
        .selectFrom('repositories')
        .select('secrets_json')
        .where('name', '=', name)
        .executeTakeFirst();
      const none: UpstreamSecrets = { password: null, ca_certificates: null };
      return row?.secrets_json == null ? none : JSON.parse(row.secrets_json);
    },
    async delete(name) {
      const result = await db.deleteFrom('repositories').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
