/**
 * What runners report about their jobs. All that one report changes is one transaction, and a report may be
 * repeated: whatever the service has already is ignored.
 */
import { KilnError } from '../contract/errors.ts';
import type { Image } from '../contract/images.ts';
import type { RunnerCompletion, RunnerInspection, RunnerReply, RunnerReport } from '../contract/runner.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import { timestamp } from '../platform/clock.ts';
import type { JobRecords } from '../ports/records.ts';
import { announceEnd, endWithin, type JobContext } from './ending.ts';
import { createLogBudget } from './log-budget.ts';
import { reasonFor } from './reasons.ts';
import { registeredImage, registerImage, verifyUploads } from './result.ts';
import { fenced, findForRunner } from './runner-access.ts';
import { isOver } from './states.ts';
import { closeSteps, mergeSteps } from './step-changes.ts';
import type { StoredJob } from './store.ts';

export interface JobReportsDeps extends JobContext {
  readonly objects: ObjectStore;
  /** Log that is kept of a job, in bytes. */
  readonly logLimitBytes: number;
}

export interface JobReports {
  /**
   * Takes a sign of life with all that is new; the answer says whether the runner has to stop. Throws
   * `unauthorized`, and `job-fenced` when another attempt or the end of the job has replaced this runner.
   */
  report(jobId: string, token: string, report: RunnerReport): Promise<RunnerReply>;
  /**
   * Verifies what the runner uploaded and registers the image. Repeated, it gives the same image. Throws as
   * `report` does, and `job-cancelled`, `object-not-found`, `checksum-mismatch`, `manifest-invalid`.
   */
  complete(jobId: string, token: string, completion: RunnerCompletion): Promise<Image>;
  /** Keeps what an inspection found and ends its job; repeated, it changes nothing. Throws as `report` does. */
  inspected(jobId: string, token: string, inspection: RunnerInspection): Promise<void>;
}

export function createJobReports(deps: JobReportsDeps): JobReports {
  const { records, changes, clock, log } = deps;
  const budget = createLogBudget(deps.logLimitBytes);

  return {
    async report(jobId, token, report) {
      const outcome = await records.transaction(async (transaction) => {
        const found = await findForRunner(transaction, jobId, token, report.attempt);
        if (isOver(found.snapshot.state)) {
          throw fenced(found, report.attempt);
        }
        const at = timestamp(clock.now());
        const running = await noteRunning(transaction, found, at);
        const lines = await budget.admit(transaction.jobs, running, report.log);
        const job = { ...running, steps: mergeSteps(running.steps, report.steps, lines) };
        await transaction.jobs.setHeartbeat(jobId, at);
        if (lines.length > 0) {
          await transaction.jobs.appendLog(jobId, lines);
        }
        if (lines.length > 0 || report.steps.length > 0) {
          await transaction.jobs.setSteps(jobId, job.steps);
        }
        if (report.shell !== undefined) {
          await transaction.jobs.setShell(jobId, { ...job.shell, open: report.shell });
        }
        if (report.checkpoint !== undefined) {
          await transaction.jobs.setRetry(jobId, { ...job.retry, checkpoint: report.checkpoint });
        }
        const ended = report.failure !== undefined && (await endByRunner(transaction, job, report, at));
        return {
          ended,
          began: running !== found,
          cancel: job.snapshot.state === 'cancelling',
          shell: job.shell,
        };
      });
      if (outcome.ended) {
        budget.forget(jobId);
        log.info({ job: jobId, reason: report.failure?.code }, 'job ended by its runner');
        announceEnd(deps, jobId);
      } else {
        changes.notify({ jobId, kind: outcome.began ? 'state' : 'progress' });
      }
      return { cancel: outcome.cancel, ...wishesFor(outcome.shell) };
    },

    async complete(jobId, token, completion) {
      const job = await findForRunner(records, jobId, token, completion.attempt);
      const already = await registeredImage(records, job);
      if (already !== undefined) {
        return already;
      }
      checkMayComplete(job, completion);
      const manifest = await verifyUploads(deps.objects, job.reservedImageId, completion.artifacts);
      const image = await records.transaction(async (transaction) => {
        const found = await findForRunner(transaction, jobId, token, completion.attempt);
        const earlier = await registeredImage(transaction, found);
        if (earlier !== undefined) {
          return earlier;
        }
        checkMayComplete(found, completion);
        const at = timestamp(clock.now());
        const running = await noteRunning(transaction, found, at);
        return registerImage(transaction, running, manifest, at);
      });
      budget.forget(jobId);
      log.info({ job: jobId, image: image.id }, 'job succeeded');
      changes.notify({ jobId, kind: 'state' });
      return image;
    },

    async inspected(jobId, token, { attempt, report }) {
      const ended = await records.transaction(async (transaction) => {
        const found = await findForRunner(transaction, jobId, token, attempt);
        if (found.snapshot.state === 'succeeded') {
          return false;
        }
        checkMayComplete(found, { attempt });
        if (found.inspection === null) {
          throw new KilnError('bad-request', `job ${jobId} is no inspection`);
        }
        const at = timestamp(clock.now());
        const { snapshot, steps } = await noteRunning(transaction, found, at);
        await transaction.jobs.setReport(jobId, report);
        const next = { state: 'succeeded', at, attempt, reason: null, resultantImageId: null } as const;
        if (!(await transaction.jobs.advance(jobId, snapshot.sequence, next))) {
          throw fenced(found, attempt);
        }
        await transaction.jobs.setSteps(jobId, closeSteps(steps, 'done', at));
        await transaction.cleanup.releaseByJob(jobId);
        return true;
      });
      if (ended) {
        budget.forget(jobId);
        log.info({ job: jobId, ok: report.ok, findings: report.findings.length }, 'inspection done');
        announceEnd(deps, jobId);
      }
    },
  };
}

/** What people want of the shell that the runner keeps. */
function wishesFor({
  verdict,
  extendedSeconds,
  checkpoints,
}: StoredJob['shell']): Omit<RunnerReply, 'cancel'> {
  return {
    ...(verdict === null ? {} : { verdict }),
    ...(checkpoints === 0 ? {} : { checkpoints }),
    ...(extendedSeconds === 0 ? {} : { extended_seconds: extendedSeconds }),
  };
}

/** The first word of its runner makes a job `running`. Gives the job as it is then. */
async function noteRunning(records: JobRecords, job: StoredJob, at: string): Promise<StoredJob> {
  if (job.snapshot.state !== 'starting') {
    return job;
  }
  const { attempt, sequence } = job.snapshot;
  const next = { state: 'running', at, attempt, reason: null, resultantImageId: null } as const;
  if (!(await records.jobs.advance(job.request.id, sequence, next))) {
    throw fenced(job, attempt);
  }
  return { ...job, snapshot: { ...next, sequence: sequence + 1 } };
}

/** A runner that was told to stop ends its job as cancelled, whatever it says that it failed on. */
function endByRunner(
  records: JobRecords,
  job: StoredJob,
  report: RunnerReport,
  at: string,
): Promise<boolean> {
  if (job.snapshot.state === 'cancelling') {
    const reason = reasonFor('job-cancelled', 'The job was cancelled while it ran', job);
    return endWithin(records, job, { state: 'cancelled', reason }, at);
  }
  const reason = report.failure ?? reasonFor('step-failed', 'The runner gave no reason', job);
  return endWithin(records, job, { state: 'failed', reason }, at);
}

function checkMayComplete(job: StoredJob, completion: Pick<RunnerCompletion, 'attempt'>): void {
  if (job.snapshot.state === 'cancelling') {
    throw new KilnError('job-cancelled', 'the job was cancelled before it was complete');
  }
  if (isOver(job.snapshot.state)) {
    throw fenced(job, completion.attempt);
  }
}
