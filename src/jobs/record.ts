/**
 * The record of the shells of a job in the store: who was in them, and what their terminals showed. It is there from the moment
 * on when a session ends, however the job ends, and goes with the job.
 */
import { randomUUID } from 'node:crypto';
import type { ObjectAddress } from '../features/objects/store.ts';
import type { JobRecords } from '../ports/records.ts';

export function recordObject(jobId: string, name: 'sessions.json' | `${number}.cast`): ObjectAddress {
  return { bucket: 'ims', key: `${folderOf(jobId)}recordings/${name}` };
}

/** Deletes a job with its record, whose objects go with the next work of the cleaner. False when there was no such job. */
export async function deleteWithRecord(inside: JobRecords, jobId: string): Promise<boolean> {
  const isDeleted = await inside.jobs.delete(jobId);
  if (isDeleted) {
    await inside.cleanup.insert({
      id: randomUUID(),
      bucket: 'ims',
      keyPrefix: folderOf(jobId),
      reason: `job ${jobId} is deleted`,
      jobId: null,
    });
  }
  return isDeleted;
}

function folderOf(jobId: string): string {
  return `jobs/${jobId}/`;
}
