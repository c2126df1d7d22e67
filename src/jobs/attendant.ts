/**
 * Looks after one job that a runner works on, and clears away after it. Every change is fenced by the snapshot
 * that was looked at, so that a runner's own report that comes first wins.
 */
import type { JobsConfig } from './config.ts';
import { endJob, type JobContext } from './ending.ts';
import type { Executor } from './executor.ts';
import { reasonFor, withTail } from './reasons.ts';
import { isOver } from './states.ts';
import type { StoredJob } from './store.ts';
import { examine } from './watch.ts';

export interface RunnerExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly tail: readonly string[];
  /** What is known of a build node that was lost with it. */
  readonly lost?: string;
}

export interface AttendantTiming {
  /** How long a runner may take to stop by itself after it was told so in the answer to a report. */
  readonly cancelGraceMs: number;
  /** How long it may take after it was asked by a signal. */
  readonly stopGraceSeconds: number;
  /** How long it may take to clear up after it reported the end of its job. */
  readonly retireGraceMs: number;
}

export interface AttendantDeps extends JobContext {
  readonly executor: Executor;
  readonly config: JobsConfig;
  readonly timing: AttendantTiming;
}

export interface Attendant {
  /** Ends the job when its runner is gone, mute, overdue or to be cancelled; otherwise does nothing. */
  attend(job: StoredJob, exit: RunnerExit | undefined, since: Date): Promise<void>;
  /** Ends a job whose runner is gone; one that was being cancelled is cancelled. */
  endWithoutRunner(job: StoredJob, detail: string): Promise<void>;
  /** Clears away after a job that is over or deleted. False when its runner is still given time for that. */
  retire(jobId: string, job: StoredJob | undefined): Promise<boolean>;
}

export function createAttendant(deps: AttendantDeps): Attendant {
  const { executor, config, timing, clock } = deps;

  async function isAlive(job: StoredJob): Promise<boolean> {
    return job.execution !== null && (await executor.isAlive(job.execution));
  }

  async function endWithoutRunner(job: StoredJob, detail: string): Promise<void> {
    if (job.snapshot.state === 'cancelling') {
      const reason = reasonFor('job-cancelled', 'The job was cancelled while it ran', job);
      await endJob(deps, job, { state: 'cancelled', reason });
      return;
    }
    await endJob(deps, job, { state: 'failed', reason: reasonFor('runner-lost', detail, job) });
  }

  async function endWithoutNode(job: StoredJob, detail: string): Promise<void> {
    if (job.snapshot.state === 'cancelling') {
      await endWithoutRunner(job, detail);
      return;
    }
    await endJob(deps, job, { state: 'failed', reason: reasonFor('node-lost', detail, job) });
  }

  async function attendCancelling(job: StoredJob): Promise<void> {
    if (job.execution !== null) {
      const waitedMs = clock.now().getTime() - Date.parse(job.snapshot.at);
      if (waitedMs < timing.cancelGraceMs && (await isAlive(job))) {
        return;
      }
      await executor.stop(job.execution, timing.stopGraceSeconds);
    }
    await endWithoutRunner(job, 'The runner was stopped');
  }

  /** A runner that does not keep its own rules is not asked: it is ended. */
  async function kill(job: StoredJob): Promise<void> {
    if (job.execution !== null) {
      await executor.stop(job.execution, 0);
    }
  }

  return {
    endWithoutRunner,

    async attend(job, exit, since) {
      if (exit !== undefined) {
        await (exit.lost === undefined
          ? endWithoutRunner(job, withTail(describeExit(exit), exit.tail))
          : endWithoutNode(job, exit.lost));
        return;
      }
      if (job.snapshot.state === 'cancelling') {
        await attendCancelling(job);
        return;
      }
      if (job.execution === null) {
        await endWithoutRunner(job, 'The service lost sight of the runner while it was being started');
        return;
      }
      const finding = examine(job, clock.now(), since, config);
      if (finding.kind === 'silent' && !(await isAlive(job))) {
        await endWithoutRunner(job, `The runner was last heard of ${finding.seconds} s ago, and is gone`);
      } else if (finding.kind === 'mute') {
        await kill(job);
        const detail = `The runner did not report for ${finding.seconds} s and was ended`;
        await endWithoutRunner(job, detail);
      } else if (finding.kind === 'overdue') {
        await kill(job);
        const detail = `The step "${finding.step}" took longer than ${finding.limitSeconds} s and was ended`;
        await endJob(deps, job, { state: 'failed', reason: reasonFor('step-deadline', detail, job) });
      }
    },

    async retire(jobId, job) {
      if (job !== undefined && isOver(job.snapshot.state) && job.execution !== null) {
        const overForMs = clock.now().getTime() - Date.parse(job.snapshot.at);
        if (overForMs < timing.retireGraceMs && (await isAlive(job))) {
          return false;
        }
        await executor.stop(job.execution, timing.stopGraceSeconds);
      }
      await executor.release(jobId);
      return true;
    },
  };
}

function describeExit(exit: RunnerExit): string {
  if (exit.signal === 'SIGKILL') {
    return 'The runner was killed (SIGKILL). If nobody did that, the host ran out of memory: see its kernel log';
  }
  if (exit.signal !== null) {
    return `The runner was ended by ${exit.signal} before it had reported a result`;
  }
  if (exit.exitCode !== null) {
    return `The runner ended with code ${exit.exitCode} before it had reported a result`;
  }
  return 'The runner is gone, and reported no result';
}
