/** Keys of requests that are to be carried out once. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE idempotency (
    key TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    record_id TEXT NOT NULL,
    created TEXT NOT NULL,
    done INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE INDEX idempotency_by_created ON idempotency (created)`.execute(db);
}
