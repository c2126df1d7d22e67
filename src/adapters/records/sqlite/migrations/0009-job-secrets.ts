/** Secrets of jobs that are not over, sealed. Apart from the jobs, so that nothing that shows those has them. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE job_secrets (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL
  ) STRICT`.execute(db);
}
