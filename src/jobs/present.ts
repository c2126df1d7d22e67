/** A stored job in the shape in which clients see it. */
import type { Job } from '../contract/jobs.ts';
import { statusOf } from './states.ts';
import type { StoredJob } from './store.ts';

export function presentJob(job: StoredJob): Job {
  return {
    ...job.request,
    status: statusOf(job.snapshot.state, job.steps),
    state: job.snapshot.state,
    started: job.started,
    finished: job.finished,
    heartbeat: job.heartbeat,
    steps: job.steps,
    log_lines: job.logLines,
    reason: job.snapshot.reason,
    resultant_image_id: job.snapshot.resultantImageId,
  };
}
