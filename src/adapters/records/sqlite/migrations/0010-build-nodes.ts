/** What is known of build nodes, and which of them jobs run on. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE nodes ADD COLUMN knowledge_json TEXT`.execute(db);
  await sql`ALTER TABLE jobs ADD COLUMN place TEXT`.execute(db);
}
