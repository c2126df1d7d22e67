/** Deleted records, the journal of their objects, and build nodes. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const DELETED = ['deleted_recipes', 'deleted_images', 'deleted_public_keys'];

const STATEMENTS = [
  ...DELETED.map(
    (table) => `CREATE TABLE ${table} (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    record_json TEXT NOT NULL
  ) STRICT`,
  ),
  `CREATE TABLE nodes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    xname TEXT NOT NULL UNIQUE,
    record_json TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE moves (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id TEXT NOT NULL UNIQUE,
    operation_json TEXT NOT NULL
  ) STRICT`,
];
