import type { Kysely } from 'kysely';
import { BUCKETS } from '../../../features/objects/store.ts';
import type { CleanupStore } from '../../../ports/cleanup.ts';
import type { Tables } from './schema.ts';

export function cleanupStore(db: Kysely<Tables>): CleanupStore {
  return {
    async insert(entry) {
      await db
        .insertInto('cleanup')
        .values({
          id: entry.id,
          bucket: entry.bucket,
          key_prefix: entry.keyPrefix,
          reason: entry.reason,
          job_id: entry.jobId,
        })
        .execute();
    },
    async due() {
      const rows = await db
        .selectFrom('cleanup')
        .selectAll()
        .where('job_id', 'is', null)
        .orderBy('position')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        bucket: bucketOf(row.bucket),
        keyPrefix: row.key_prefix,
        reason: row.reason,
        jobId: row.job_id,
      }));
    },
    async releaseByJob(jobId) {
      await db.updateTable('cleanup').set({ job_id: null }).where('job_id', '=', jobId).execute();
    },
    async releaseByOwnersLike(prefix) {
      await db.updateTable('cleanup').set({ job_id: null }).where('job_id', 'like', `${prefix}%`).execute();
    },
    async forgetByJob(jobId) {
      await db.deleteFrom('cleanup').where('job_id', '=', jobId).execute();
    },
    async delete(id) {
      await db.deleteFrom('cleanup').where('id', '=', id).execute();
    },
  };
}

function bucketOf(name: string) {
  const bucket = BUCKETS.find((each) => each === name);
  if (bucket === undefined) {
    throw new Error(`the records name a bucket that there is not: ${name}`);
  }
  return bucket;
}
