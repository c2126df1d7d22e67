/** Who may report for a job: the runner of its attempt in progress, known by the token that only it was given. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { KilnError } from '../contract/errors.ts';
import type { JobRecords } from '../ports/records.ts';
import { isOver } from './states.ts';
import type { StoredJob } from './store.ts';

/** What is stored of a token: SHA-256, hexadecimal. */
export function hashOfToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function isTokenOf(job: StoredJob, token: string): boolean {
  if (job.tokenHash === null) {
    return false;
  }
  return timingSafeEqual(Buffer.from(hashOfToken(token)), Buffer.from(job.tokenHash));
}

/**
 * The job, for the runner that has its token and works on its last attempt. Throws `job-not-found`,
 * `job-fenced` for an earlier attempt, and `unauthorized`.
 */
export async function findForRunner(
  records: JobRecords,
  jobId: string,
  token: string,
  attempt: number,
): Promise<StoredJob> {
  const job = await records.jobs.find(jobId);
  if (job === undefined) {
    throw new KilnError('job-not-found', `there is no job ${jobId}`);
  }
  if (!isTokenOf(job, token)) {
    throw new KilnError('unauthorized', 'the token is not the one of this job and attempt');
  }
  if (attempt !== job.snapshot.attempt) {
    throw fenced(job, attempt);
  }
  return job;
}

/** Throws `unauthorized` unless the token is that of the job's runner, and the job goes on. */
export async function mustBeRunner(records: JobRecords, jobId: string, token: string): Promise<void> {
  const job = await records.jobs.find(jobId);
  if (job === undefined || !isTokenOf(job, token) || isOver(job.snapshot.state)) {
    throw new KilnError('unauthorized', 'the token is not that of a job that goes on');
  }
}

export function fenced(job: StoredJob, attempt: number): KilnError {
  const { state, attempt: current } = job.snapshot;
  return new KilnError(
    'job-fenced',
    `attempt ${attempt} reported, the job is ${state} at attempt ${current}`,
  );
}
