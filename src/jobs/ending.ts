/**
 * How a job ends without an image: one snapshot, its running steps closed, and the objects that it may have
 * uploaded released for deletion, all in one transaction.
 */
import type { JobReason } from '../contract/jobs.ts';
import { type Clock, timestamp } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { JobRecords } from '../ports/records.ts';
import type { JobChanges } from './changes.ts';
import { mayFollow } from './states.ts';
import { closeSteps } from './step-changes.ts';
import type { StoredJob } from './store.ts';

/** What everything in this room works with. */
export interface JobContext {
  readonly records: JobRecords;
  readonly changes: JobChanges;
  readonly clock: Clock;
  readonly log: Log;
  /** Deletes the objects that the journal says have to go. */
  readonly cleanObjects: () => Promise<void>;
}

export type UnsuccessfulEnd =
  | { readonly state: 'failed'; readonly reason: JobReason }
  | { readonly state: 'cancelled'; readonly reason: JobReason };

/** The same inside a transaction of the caller; `job` was read in it. False when the job may not end so. */
export async function endWithin(
  records: JobRecords,
  job: StoredJob,
  end: UnsuccessfulEnd,
  at: string,
): Promise<boolean> {
  const { id } = job.request;
  if (!mayFollow(job.snapshot.state, end.state)) {
    return false;
  }
  const { attempt } = job.snapshot;
  const next = { state: end.state, at, attempt, reason: end.reason, resultantImageId: null };
  if (!(await records.jobs.advance(id, job.snapshot.sequence, next))) {
    return false;
  }
  await records.jobs.setSteps(id, closeSteps(job.steps, 'failed', at));
  await records.cleanup.releaseByJob(id);
  return true;
}

/**
 * Ends a job if it still stands where it was `seen`; false, and nothing changed, when it has moved on. Then
 * whoever moved it on decides.
 */
export async function endJob(context: JobContext, seen: StoredJob, end: UnsuccessfulEnd): Promise<boolean> {
  const { id } = seen.request;
  const ended = await context.records.transaction(async (records) => {
    const job = await records.jobs.find(id);
    if (job?.snapshot.sequence !== seen.snapshot.sequence) {
      return false;
    }
    return endWithin(records, job, end, timestamp(context.clock.now()));
  });
  if (ended) {
    context.log.info({ job: id, state: end.state, reason: end.reason.code }, 'job ended');
    announceEnd(context, id);
  }
  return ended;
}

/** Tells who waits, and has the objects deleted that the job left; to be called after the transaction. */
export function announceEnd(context: JobContext, jobId: string): void {
  context.changes.notify({ jobId, kind: 'state' });
  context.cleanObjects().catch((error: unknown) => {
    context.log.warn(
      { err: error, job: jobId },
      'objects of a job are not deleted yet; tried again at start',
    );
  });
}
