/**
 * Tells the service how the job goes: what is new at most four times a second, and a sign of life when nothing
 * is. While the service is away everything is kept and tried again, until the grace time is over. What the
 * service answers becomes one signal: the job has to stop, and why.
 */

import type { Checkpoint } from '../contract/checkpoints.ts';
import type { OpenShell } from '../contract/customizations.ts';
import { KilnError } from '../contract/errors.ts';
import type { JobReason, StepState } from '../contract/jobs.ts';
import type { JobDocument, RunnerReply, StepReport } from '../contract/runner.ts';
import { type Clock, timestamp } from '../platform/clock.ts';
import type { RunnerApi } from './api.ts';
import { createOutbox } from './outbox.ts';

const SHORTEST_INTERVAL_MS = 250;
/** Often enough for the shortest silence that a service may be set to take for a lost runner. */
const SIGN_OF_LIFE_MS = 1_500;
const LONGEST_BACKOFF_MS = 5_000;

export interface ReporterOptions {
  readonly document: Pick<JobDocument, 'attempt' | 'api' | 'limits'>;
  readonly api: Pick<RunnerApi, 'report'>;
  readonly clock: Clock;
  readonly mask: (text: string) => string;
  /** Milliseconds between signs of life; for tests. */
  readonly signOfLifeMs?: number;
}

/** Between a shell and the service: what the runner knows of it, and what people want of it. */
export interface ShellDesk {
  tell(shell: OpenShell): void;
  wishes(): ShellWishes;
}

export type ShellWishes = Omit<RunnerReply, 'cancel'>;

export interface Reporter {
  readonly desk: ShellDesk;
  /** Aborts when the job has to stop: its reason is `job-cancelled`, `job-fenced`, `unauthorized` or `server-lost`. */
  readonly stop: AbortSignal;
  log(step: string, text: string): void;
  step(name: string, state: StepState, also?: Pick<StepReport, 'progress' | 'note'>): void;
  /** Says what is kept of the job from now on. */
  kept(checkpoint: Checkpoint): void;
  /** Settles when the service has everything that was told so far. Throws the reason of `stop`. */
  flush(): Promise<void>;
  /** Tells everything that is left and why the job failed. False when the service would not or could not hear it. */
  fail(reason: JobReason): Promise<boolean>;
  /** Ends the signs of life; nothing is sent any more. */
  close(): Promise<void>;
}

export function startReporter(options: ReporterOptions): Reporter {
  const { document, api, clock, mask } = options;
  const outbox = createOutbox({ limitBytes: document.limits.log_bytes, mask });
  const stopper = new AbortController();
  const closer = new AbortController();
  const graceMs = document.api.grace_seconds * 1000;
  const signOfLifeMs = options.signOfLifeMs ?? SIGN_OF_LIFE_MS;
  let failure: JobReason | undefined;
  let heardAt = performance.now();
  let backoffMs = 0;
  /** Ends the wait for the next sign of life. */
  let wake = () => {};
  /** Ends the wait after a report too: somebody waits for the next one. */
  let hurry = () => {};
  let shell: OpenShell | undefined;
  /** Somebody is in a shell, and does not want to wait for what it is told. */
  let attended = false;
  let checkpoint: Checkpoint | undefined;
  let wishes: ShellWishes = {};
  /** Nothing more can be told; a cancelled job still has its last words. */
  let deaf = false;
  const settled = new Set<() => void>();

  const isDone = () => outbox.isEmpty() && [failure, shell, checkpoint].every((each) => each === undefined);

  async function send(): Promise<void> {
    const batch = outbox.take();
    // The failure ends the job, so it goes with the last lines and not before them.
    const last = failure;
    const told = shell;
    const kept = checkpoint;
    const report = {
      attempt: document.attempt,
      ...batch,
      ...(told === undefined ? {} : { shell: told }),
      ...(kept === undefined ? {} : { checkpoint: kept }),
    };
    const { cancel, ...asked } = await api.report(report, closer.signal);
    wishes = asked;
    if (shell === told) {
      shell = undefined;
    }
    if (checkpoint === kept) {
      checkpoint = undefined;
    }
    heardAt = performance.now();
    backoffMs = 0;
    outbox.confirm();
    if (cancel) {
      stopper.abort(new KilnError('job-cancelled', 'The job was cancelled'));
    }
    if (last !== undefined && outbox.isEmpty()) {
      await api.report({ attempt: document.attempt, steps: [], log: [], failure: last }, closer.signal);
      failure = undefined;
    }
  }

  function giveUp(reason: unknown): void {
    deaf = true;
    stopper.abort(reason);
  }

  function refused(error: unknown): void {
    if (codeOf(error) !== 'server-unreachable') {
      giveUp(error);
      return;
    }
    const silentMs = performance.now() - heardAt;
    if (silentMs > graceMs) {
      const detail = `The service at ${document.api.url} was away for ${Math.round(silentMs / 1000)} s: ${messageOf(error)}`;
      giveUp(new KilnError('server-lost', detail, { cause: error }));
      return;
    }
    backoffMs = Math.min(Math.max(backoffMs * 2, SHORTEST_INTERVAL_MS), LONGEST_BACKOFF_MS, graceMs / 2);
  }

  async function run(): Promise<void> {
    while (!closer.signal.aborted && !deaf) {
      try {
        await send();
      } catch (error) {
        if (!closer.signal.aborted) {
          refused(error);
        }
      }
      if (isDone() || deaf) {
        for (const settle of settled) {
          settle();
        }
      }
      await pause(backoffMs || SHORTEST_INTERVAL_MS, (resolve) => {
        hurry = resolve;
      });
      if (isDone() && backoffMs === 0) {
        await pause(attended ? SHORTEST_INTERVAL_MS : signOfLifeMs - SHORTEST_INTERVAL_MS, (resolve) => {
          wake = resolve;
        });
      }
    }
  }

  function pause(ms: number, onWait: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        closer.signal.removeEventListener('abort', done);
        stopper.signal.removeEventListener('abort', done);
        resolve();
      }
      closer.signal.addEventListener('abort', done, { once: true });
      if (!stopper.signal.aborted) {
        stopper.signal.addEventListener('abort', done, { once: true });
      }
      onWait(done);
    });
  }

  async function untilTold(): Promise<void> {
    wake();
    hurry();
    if (!deaf && !closer.signal.aborted) {
      await new Promise<void>((resolve) => {
        const settle = () => {
          settled.delete(settle);
          resolve();
        };
        settled.add(settle);
      });
    }
  }

  function masked({ note, progress }: Pick<StepReport, 'progress' | 'note'>) {
    const message = progress?.message === undefined ? {} : { message: mask(progress.message) };
    return {
      ...(note === undefined ? {} : { note: mask(note) }),
      ...(progress === undefined ? {} : { progress: { ...progress, ...message } }),
    };
  }

  const running = run();
  return {
    stop: stopper.signal,
    desk: {
      tell(told) {
        shell = told;
        if (told.open && !attended) {
          // Somebody waits for this very moment.
          hurry();
        }
        attended = told.open;
        wake();
      },
      wishes: () => wishes,
    },
    kept(told) {
      checkpoint = told;
      wake();
    },
    log(step, text) {
      outbox.addLine(timestamp(clock.now()), step, text);
      wake();
    },
    step(name, state, also = {}) {
      outbox.addStep({ name, state, at: timestamp(clock.now()), ...masked(also) });
      wake();
    },
    async flush() {
      if (!isDone()) {
        await untilTold();
      }
      if (deaf) {
        throw stopper.signal.reason;
      }
    },
    async fail(reason) {
      failure = reason;
      await untilTold();
      return !deaf;
    },
    async close() {
      closer.abort();
      for (const settle of settled) {
        settle();
      }
      await running;
    },
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof KilnError ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
