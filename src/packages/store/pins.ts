/** Which revision a job sees of each repository: the one that it saw first. */
import type { Kysely } from 'kysely';
import type { Tables } from './schema.ts';

export function pinIndex(db: Kysely<Tables>) {
  return {
    async find(jobId: string, repository: string): Promise<number | undefined> {
      const row = await db
        .selectFrom('pins')
        .select('revision')
        .where('job_id', '=', jobId)
        .where('repository', '=', repository)
        .executeTakeFirst();
      return row?.revision;
    },
    /** Pins the revision unless the job has one already; gives the one that it has. */
    async pin(jobId: string, repository: string, revision: number): Promise<number> {
      await db
        .insertInto('pins')
        .values({ job_id: jobId, repository, revision })
        .onConflict((conflict) => conflict.columns(['job_id', 'repository']).doNothing())
        .execute();
      return (await this.find(jobId, repository)) ?? revision;
    },
    async jobs(): Promise<string[]> {
      const rows = await db.selectFrom('pins').select('job_id').distinct().execute();
      return rows.map(({ job_id }) => job_id);
    },
    async release(jobId: string): Promise<void> {
      await db.deleteFrom('pins').where('job_id', '=', jobId).execute();
    },
  };
}
