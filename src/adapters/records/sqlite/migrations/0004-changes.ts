/** The journal of changes. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    noun TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL
  ) STRICT`.execute(db);
}
