/**
 * Jobs as clients of the reference's wire deal with them: they may say what they like about a job, and delete one
 * that runs. What the engine does later overrules what a client said before.
 */

import { KilnError } from '../contract/errors.ts';
import type { Job, JobCreate, JobStatus } from '../contract/jobs.ts';
import { timestamp } from '../platform/clock.ts';
import type { JobRecords } from '../ports/records.ts';
import { shellOf } from './customizations.ts';
import { announceEnd, endWithin, type JobContext } from './ending.ts';
import { presentJob } from './present.ts';
import { reasonFor } from './reasons.ts';
import { deleteWithRecord } from './record.ts';
import { type JobService, mustFind } from './service.ts';
import { isOver } from './states.ts';
import type { StoredJob, WireNotes } from './store.ts';

export interface WireJob {
  /** With the status and the image that count on the wire. */
  readonly job: Job & { readonly job_type: 'create' | 'customize' };
  readonly sshContainer: WireNotes['sshContainer'];
}

export interface WireJobs {
  list(): Promise<WireJob[]>;
  /** Throws `job-not-found`, as do all that take an id. */
  get(id: string): Promise<WireJob>;
  /** Throws what `JobService.create` throws. */
  create(input: JobCreate, sshContainer: WireNotes['sshContainer']): Promise<WireJob>;
  /** Any status may follow on any other. */
  say(id: string, change: { status?: JobStatus; resultantImageId?: string }): Promise<WireJob>;
  /** Forgets the job; one that is not over is cancelled first. Its image stays. */
  remove(id: string): Promise<void>;
}

export function createWireJobs(deps: JobContext & { readonly jobs: JobService }): WireJobs {
  const { records, changes, clock, log, jobs } = deps;

  const find = async (id: string, from: JobRecords = records): Promise<StoredJob> => {
    const job = await mustFind(from, id);
    if (!isShown(job)) {
      throw new KilnError('job-not-found', `job ${id} is deleted`);
    }
    return job;
  };

  return {
    async list() {
      const jobs = await records.jobs.list();
      return jobs.filter(isShown).map(present);
    },

    async get(id) {
      return present(await find(id));
    },

    async create(input, sshContainer) {
      const { id } = await jobs.create(input, { sshContainer });
      return present(await find(id));
    },

    async say(id, change) {
      const job = await records.transaction(async (transaction) => {
        const before = await find(id, transaction);
        const wire = said(before, change);
        await transaction.jobs.setWire(id, wire);
        return { ...before, wire };
      });
      changes.notify({ jobId: id, kind: 'progress' });
      return present(job);
    },

    async remove(id) {
      const outcome = await records.transaction((transaction) =>
        removeWithin(transaction, id, timestamp(clock.now())),
      );
      log.info({ job: id, outcome }, 'job deleted');
      if (outcome === 'stopping') {
        changes.notify({ jobId: id, kind: 'state' });
        return;
      }
      if (outcome === 'ended') {
        announceEnd(deps, id);
      }
      changes.notify({ jobId: id, kind: 'deleted' });
      await deps.cleanObjects();
    },
  };

  async function removeWithin(
    transaction: JobRecords,
    id: string,
    at: string,
  ): Promise<'gone' | 'ended' | 'stopping'> {
    const job = await find(id, transaction);
    const { state, sequence, attempt } = job.snapshot;
    if (isOver(state)) {
      await deleteWithRecord(transaction, id);
      return 'gone';
    }
    if (state === 'queued') {
      const reason = reasonFor('job-cancelled', 'The job was deleted before it was started', job);
      await endWithin(transaction, job, { state: 'cancelled', reason }, at);
      await deleteWithRecord(transaction, id);
      return 'ended';
    }
    if (state !== 'cancelling') {
      const next = { state: 'cancelling', at, attempt, reason: null, resultantImageId: null } as const;
      await transaction.jobs.advance(id, sequence, next);
    }
    await transaction.jobs.setWire(id, { ...job.wire, removed: true });
    return 'stopping';
  }
}

/** The reference's clients know neither imports nor inspections. */
function isShown({ wire, request }: StoredJob): boolean {
  return !wire.removed && ['create', 'customize'].includes(request.job_type);
}

/** Whether nothing happened to the job since a client spoke of it. */
function holds(job: StoredJob): boolean {
  return job.wire.saidAt === job.snapshot.sequence;
}

function said(job: StoredJob, change: { status?: JobStatus; resultantImageId?: string }): WireNotes {
  const stays = holds(job);
  return {
    ...job.wire,
    status: change.status ?? (stays ? job.wire.status : null),
    resultantImageId: change.resultantImageId ?? imageOf(job),
    saidAt: job.snapshot.sequence,
  };
}

function imageOf({ wire, snapshot }: StoredJob): string | null {
  return wire.saidAt === snapshot.sequence
    ? (wire.resultantImageId ?? snapshot.resultantImageId)
    : (snapshot.resultantImageId ?? wire.resultantImageId);
}

/** The shell of a job that was not made on this wire, so that its clients find it. */
function containerOf({ request, customization }: StoredJob): WireJob['sshContainer'] {
  const shell = shellOf(request, customization);
  return shell === null
    ? null
    : { name: request.job_type === 'create' ? 'debug' : 'customize', jail: shell.jail };
}

function present(stored: StoredJob): WireJob {
  const job = presentJob(stored);
  const status = holds(stored) ? (stored.wire.status ?? job.status) : job.status;
  const job_type = job.job_type === 'customize' ? 'customize' : 'create';
  return {
    job: { ...job, job_type, status, resultant_image_id: imageOf(stored) },
    sshContainer: stored.wire.sshContainer ?? containerOf(stored),
  };
}
