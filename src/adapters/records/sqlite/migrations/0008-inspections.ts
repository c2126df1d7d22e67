/** What inspections of recipes found. Apart from the jobs, because lists of those do not want it. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE job_reports (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    report_json TEXT NOT NULL
  ) STRICT`.execute(db);
}
