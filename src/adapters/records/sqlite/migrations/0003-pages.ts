/** What sorted and filtered pages of large lists need. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['images', 'recipes', 'public_keys']) {
    for (const field of ['created', 'name']) {
      await sql
        .raw(
          `CREATE INDEX ${table}_by_${field} ON ${table} (json_extract(record_json, '$.${field}'), position)`,
        )
        .execute(db);
    }
  }
}
