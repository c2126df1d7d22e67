/** Takes a queued job to a started runner: claims it, has the builder root ready, hands the document over. */
import { timestamp } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import { type BuilderRootOnHost, type DocumentDeps, makeDocument } from './document.ts';
import { endJob, type JobContext } from './ending.ts';
import type { Executor } from './executor.ts';
import { choosePlace, type LocalMachine } from './placement.ts';
import { reasonFor, reasonOfError } from './reasons.ts';
import { hashOfToken } from './runner-access.ts';
import type { StoredJob } from './store.ts';

export interface StarterDeps extends JobContext, DocumentDeps {
  readonly ids: Ids;
  readonly executor: Executor;
  /** Makes or finds the builder root; what it throws fails the job. */
  readonly builderRoot: () => Promise<BuilderRootOnHost>;
}

/** A job that this process has taken, and the token that only its runner will have. */
export interface Claim {
  readonly job: StoredJob;
  readonly token: string;
}

export interface JobStarter {
  /**
   * Decides where the job runs, and makes it `starting`; `wait` when it has to, undefined when somebody else moved it on first.
   * A job that no machine could ever run fails with `no-node`.
   */
  claim(queued: StoredJob, local: LocalMachine): Promise<Claim | 'wait' | undefined>;
  /** Starts the runner, or fails the job. Gives up without a word when the signal aborts before. */
  launch(claim: Claim, signal: AbortSignal): Promise<void>;
  /** Whether the executor is being given the job right now, so that its execution is about to be known. */
  isHanding(jobId: string): boolean;
}

export function createStarter(deps: StarterDeps): JobStarter {
  const { records, executor, clock, log } = deps;
  const handing = new Set<string>();

  async function handOver({ job, token }: Claim, builderRoot: BuilderRootOnHost): Promise<void> {
    const { id } = job.request;
    const workspace = executor.workspaceOf(id);
    const document = await makeDocument(deps, { job, token, builderRoot, workspace });
    handing.add(id);
    try {
      // Nothing may come between this look and the start: a cancel that follows waits for the execution.
      const current = await records.jobs.find(id);
      if (current?.snapshot.sequence !== job.snapshot.sequence) {
        return;
      }
      await records.jobs.setExecution(id, await executor.start(document, job.place));
      log.info({ job: id, attempt: job.snapshot.attempt, executor: executor.name }, 'runner started');
    } finally {
      handing.delete(id);
    }
  }

  async function refuse(job: StoredJob, why: string): Promise<undefined> {
    await endJob(deps, job, { state: 'failed', reason: reasonFor('no-node', why, job) });
  }

  return {
    async claim(queued, local) {
      const token = deps.ids.secret();
      const { sequence, attempt } = queued.snapshot;
      const next = {
        state: 'starting',
        at: timestamp(clock.now()),
        attempt: attempt + 1,
        reason: null,
        resultantImageId: null,
      } as const;
      const tokenHash = hashOfToken(token);
      const claimed = await records.transaction(async (inside) => {
        const choice = await choosePlace(inside, queued, local);
        if (choice.kind !== 'place') {
          return choice;
        }
        const also = { tokenHash, execution: null, place: choice.place };
        return (await inside.jobs.advance(queued.request.id, sequence, next, also)) ? also : undefined;
      });
      if (claimed === undefined) {
        return undefined;
      }
      if ('kind' in claimed) {
        return claimed.kind === 'wait' ? 'wait' : await refuse(queued, claimed.why);
      }
      deps.changes.notify({ jobId: queued.request.id, kind: 'state' });
      return { job: { ...queued, ...claimed, snapshot: { ...next, sequence: sequence + 1 } }, token };
    },

    async launch(claim, signal) {
      try {
        const builderRoot = await orAborted(deps.builderRoot(), signal);
        if (builderRoot !== 'aborted') {
          await handOver(claim, builderRoot);
        }
      } catch (error) {
        log.warn({ err: error, job: claim.job.request.id }, 'job could not be started');
        const reason = reasonOfError(error, 'runner-could-not-start', claim.job);
        await endJob(deps, claim.job, { state: 'failed', reason });
      }
    },

    isHanding: (jobId) => handing.has(jobId),
  };
}

/** The result of the work, or `aborted` as soon as the signal aborts; the work itself goes on. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | 'aborted'> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve('aborted');
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
