/** Package repositories. What is secret about an upstream has a column of its own, which no record shows. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE repositories (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    record_json TEXT NOT NULL,
    secrets_json TEXT
  ) STRICT`.execute(db);
}
