/** The first tables. Never edited after a release: what changes is a migration of its own. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const STATEMENTS = [
  `CREATE TABLE recipes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    link_path TEXT UNIQUE,
    record_json TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE images (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    link_path TEXT UNIQUE,
    record_json TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE public_keys (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    record_json TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE jobs (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    request_json TEXT NOT NULL,
    steps_json TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL,
    started TEXT,
    finished TEXT,
    heartbeat TEXT,
    log_lines INTEGER NOT NULL DEFAULT 0,
    reserved_image_id TEXT NOT NULL,
    token_hash TEXT,
    execution TEXT
  ) STRICT`,
  `CREATE INDEX jobs_by_state ON jobs (state, position)`,
  `CREATE TABLE job_snapshots (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL,
    at TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    reason_json TEXT,
    resultant_image_id TEXT,
    PRIMARY KEY (job_id, sequence)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE job_log (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    lines_json TEXT NOT NULL,
    PRIMARY KEY (job_id, first_line)
  ) STRICT`,
  `CREATE TABLE cleanup (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    bucket TEXT NOT NULL,
    key_prefix TEXT NOT NULL,
    reason TEXT NOT NULL,
    job_id TEXT
  ) STRICT`,
];
