/** What the service does about jobs that were active when it ended, before it takes new ones. */
import { timestamp } from '../platform/clock.ts';
import type { Attendant, AttendantDeps } from './attendant.ts';
import { endJob } from './ending.ts';
import { reasonFor } from './reasons.ts';
import { ACTIVE_STATES } from './states.ts';
import type { StoredJob } from './store.ts';

/** A job that brings the service down each time that it is started must not do so for ever. */
const MAX_ATTEMPTS = 3;

/**
 * Decides on every active job: a runner that lives goes on, a dead one ends its job, and a job that was not
 * started yet is queued again. Gives the jobs whose runners go on.
 */
export async function reconcile(deps: AttendantDeps, attendant: Attendant): Promise<Set<string>> {
  const live = new Set<string>();
  for (const job of await deps.records.jobs.inStates(ACTIVE_STATES)) {
    const { id } = job.request;
    try {
      if (job.execution !== null && (await deps.executor.isAlive(job.execution))) {
        live.add(id);
      } else {
        await settle(deps, attendant, job);
      }
    } catch (error) {
      // Left as it is: the supervisor looks after it from its first tick on.
      live.add(id);
      deps.log.error({ err: error, job: id }, 'a job could not be reconciled; tried again');
    }
  }
  return live;
}

async function settle(deps: AttendantDeps, attendant: Attendant, job: StoredJob): Promise<void> {
  const { id } = job.request;
  // A runner may have been started in the moment before its execution was stored: it must not go on.
  await deps.executor.release(id);
  if (job.snapshot.state === 'starting' && job.execution === null) {
    await queueAgain(deps, job);
    return;
  }
  await attendant.endWithoutRunner(job, 'The runner was gone when the service was started again');
}

async function queueAgain(deps: AttendantDeps, job: StoredJob): Promise<void> {
  const { id } = job.request;
  const { sequence, attempt } = job.snapshot;
  if (attempt >= MAX_ATTEMPTS) {
    const detail = `The service ended ${attempt} times while it was starting this job`;
    const reason = reasonFor('runner-could-not-start', detail, job);
    await endJob(deps, job, { state: 'failed', reason });
    return;
  }
  const at = timestamp(deps.clock.now());
  const next = { state: 'queued', at, attempt, reason: null, resultantImageId: null } as const;
  await deps.records.jobs.advance(id, sequence, next, { tokenHash: null, execution: null });
  deps.changes.notify({ jobId: id, kind: 'state' });
}
