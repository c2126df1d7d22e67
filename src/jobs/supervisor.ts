/**
 * The clockwork of jobs: starts queued ones as there is room, looks after those that run, and clears away after
 * those that are over. It keeps no truth: what it remembers is only what this machine still has to clear away,
 * and at its start it finds that again from the records and the executor.
 */
import type { Architecture } from '../contract/common.ts';
import { runsPrograms } from '../contract/jobs.ts';
import { type AttendantTiming, createAttendant, type RunnerExit } from './attendant.ts';
import { reconcile } from './reconcile.ts';
import { deleteWithRecord } from './record.ts';
import { createStarter, type StarterDeps } from './starter.ts';
import { ACTIVE_STATES, isOver } from './states.ts';
import type { StoredJob } from './store.ts';
import { createTasks } from './tasks.ts';

export interface SupervisorTiming extends AttendantTiming {
  /** Time between two looks at all jobs; a change of state is acted on at once besides. */
  readonly tickMs: number;
}

export const SUPERVISOR_TIMING: SupervisorTiming = {
  tickMs: 1_000,
  cancelGraceMs: 5_000,
  stopGraceSeconds: 15,
  retireGraceMs: 10_000,
};

export interface SupervisorDeps extends StarterDeps {
  /** Of the machine of the service. */
  readonly hostArchitecture: Architecture;
  readonly timing?: SupervisorTiming;
}

export interface Supervisor {
  /** Settles what an earlier process left, then goes to work. */
  start(): Promise<void>;
  /** Takes no new job and ends when what it is doing is done; runners go on. */
  stop(): Promise<void>;
  /** One look at all jobs; what follows from it goes on in the background. */
  tick(): Promise<void>;
  /** Settles when nothing goes on in the background. */
  idle(): Promise<void>;
}

type Kind = 'build' | 'inspection' | 'customization';

function kindOf({ job_type }: StoredJob['request']): Kind {
  return job_type === 'inspect' ? 'inspection' : job_type === 'customize' ? 'customization' : 'build';
}

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { records, executor, config, clock, log } = deps;
  const timing = deps.timing ?? SUPERVISOR_TIMING;
  const attendant = createAttendant({ ...deps, timing });
  const starter = createStarter(deps);
  const tasks = createTasks(log);
  /** Jobs that this machine has to clear away after. */
  const held = new Set<string>();
  /** Those of them, and of the active ones, that run here: the kinds have room of their own. */
  const kinds = new Map<string, Kind>();
  const exits = new Map<string, RunnerExit>();
  const stopping = new AbortController();
  let since = clock.now();
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let timer: NodeJS.Timeout | undefined;
  let unlisten = () => {};

  executor.onExit((jobId, outcome) => {
    log.debug({ job: jobId, exitCode: outcome.exitCode, signal: outcome.signal }, 'runner ended');
    exits.set(jobId, outcome);
    kick();
  });

  function note({ request, place }: StoredJob): void {
    if (place === null) {
      kinds.set(request.id, kindOf(request));
    } else {
      kinds.delete(request.id);
    }
  }

  function attendTo(jobId: string): void {
    tasks.run(jobId, async () => {
      // Read here, where no other work on this job goes on: what the list had may be old by now.
      const job = await records.jobs.find(jobId);
      if (job !== undefined && (ACTIVE_STATES as readonly string[]).includes(job.snapshot.state)) {
        await attendant.attend(job, exits.get(jobId), since);
      }
    });
  }

  /** A job whose start is not in the executor's hands yet is cancelled without waiting for it. */
  async function cancelBeforeStart(job: StoredJob): Promise<void> {
    const waits = job.snapshot.state === 'cancelling' && job.execution === null;
    if (waits && tasks.has(job.request.id) && !starter.isHanding(job.request.id)) {
      await attendant.endWithoutRunner(job, 'The job was not started');
    }
  }

  function retireWhenOver(jobId: string): void {
    tasks.run(jobId, async () => {
      const job = await records.jobs.find(jobId);
      if (job !== undefined && !isOver(job.snapshot.state)) {
        return;
      }
      if (await attendant.retire(jobId, job)) {
        held.delete(jobId);
        kinds.delete(jobId);
        exits.delete(jobId);
        await forget(job);
        kick();
      }
    });
  }

  /** A job that a client deleted while it ran goes now that nothing is left of its runner. */
  async function forget(job: StoredJob | undefined): Promise<void> {
    if (job?.wire.removed) {
      await records.transaction((inside) => deleteWithRecord(inside, job.request.id));
      deps.changes.notify({ jobId: job.request.id, kind: 'deleted' });
      await deps.cleanObjects();
    }
  }

  async function startQueued(active: readonly StoredJob[]): Promise<void> {
    const queued = await records.jobs.inStates(['queued']);
    if (queued.length === 0) {
      return;
    }
    for (const job of active) {
      note(job);
    }
    const occupied = new Set([...active.map((job) => job.request.id), ...held]);
    const occupying = (kind: Kind) => [...occupied].filter((id) => kinds.get(id) === kind).length;
    // No inspection waits for a build to end, and no build for a shell to be closed.
    const free = {
      build: config.concurrency - occupying('build'),
      inspection: config.inspections - occupying('inspection'),
      customization: config.customizations - occupying('customization'),
    };
    let capacity = await executor.capacity();
    for (const job of queued) {
      const kind = kindOf(job.request);
      const claim = await starter.claim(job, {
        arch: deps.hostArchitecture,
        takesJobs: config.local || kind === 'inspection',
        emulates: config.emulates || !runsPrograms(job.request),
        free: Math.max(0, Math.min(capacity, free[kind])),
      });
      if (claim === undefined || claim === 'wait') {
        continue;
      }
      if (claim.job.place === null) {
        free[kind] -= 1;
        capacity -= 1;
      }
      note(claim.job);
      held.add(job.request.id);
      exits.delete(job.request.id);
      tasks.run(job.request.id, () => starter.launch(claim, stopping.signal));
    }
  }

  async function look(): Promise<void> {
    const active = await records.jobs.inStates(ACTIVE_STATES);
    for (const job of active) {
      await cancelBeforeStart(job);
      attendTo(job.request.id);
    }
    const activeIds = new Set(active.map((job) => job.request.id));
    for (const jobId of held) {
      if (!activeIds.has(jobId)) {
        retireWhenOver(jobId);
      }
    }
    if (!stopping.signal.aborted) {
      await startQueued(active);
    }
  }

  /** Looks one after the other; one that is asked for meanwhile follows at once. */
  function tick(): Promise<void> {
    lookAgain = true;
    looking ??= (async () => {
      try {
        while (lookAgain) {
          lookAgain = false;
          await look();
        }
      } finally {
        looking = undefined;
      }
    })();
    return looking;
  }

  function kick(): void {
    if (timer === undefined) {
      return;
    }
    tick().catch((error: unknown) => log.error({ err: error }, 'looking at the jobs failed; tried again'));
  }

  return {
    tick,
    idle: () => tasks.idle(),

    async start() {
      since = clock.now();
      const live = await reconcile({ ...deps, timing }, attendant);
      for (const jobId of live) {
        held.add(jobId);
      }
      try {
        const swept = await executor.sweep(live);
        if (swept.length > 0) {
          log.info({ jobs: swept }, 'cleared away what an earlier process left');
        }
        for (const job of await records.jobs.list()) {
          if (isOver(job.snapshot.state)) {
            await forget(job);
          }
        }
        await deps.cleanObjects();
      } catch (error) {
        log.warn({ err: error }, 'what an earlier process left could not all be cleared away');
      }
      unlisten = deps.changes.listen((change) => {
        if (change.kind !== 'progress') {
          kick();
        }
      });
      timer = setInterval(kick, timing.tickMs).unref();
      await tick();
    },

    async stop() {
      clearInterval(timer);
      timer = undefined;
      unlisten();
      stopping.abort();
      await looking;
      await tasks.idle();
    },
  };
}
