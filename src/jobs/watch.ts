/** Looks at a job that a runner works on and says what, if anything, is wrong. It decides and does nothing. */
import type { JobsConfig } from './config.ts';
import type { StoredJob } from './store.ts';

/** The runner enforces the deadlines itself; this is how much later the service steps in. */
const DEADLINE_MARGIN_SECONDS = 60;
/** A runner that lives but does not report for this many heartbeats has lost its way. */
const MUTE_HEARTBEATS = 3;
/** The carrier of a job on a build node says by itself that the node is lost, this much after the runner there gave up. */
const CARRIER_MARGIN_SECONDS = 60;

export type Finding =
  | { readonly kind: 'fine' }
  /** Not heard of for a heartbeat: fine as long as its process lives. */
  | { readonly kind: 'silent'; readonly seconds: number }
  /** Not heard of for so long that it does not matter whether its process lives. */
  | { readonly kind: 'mute'; readonly seconds: number }
  | { readonly kind: 'overdue'; readonly step: string; readonly limitSeconds: number };

/** `since`: when this service began to look; silence before that was the service's own. */
export function examine(job: StoredJob, now: Date, since: Date, config: JobsConfig): Finding {
  const heartbeat = job.heartbeat === null ? 0 : Date.parse(job.heartbeat);
  // What the runner did while the service was away is known only once it has reported again.
  const overdue = heartbeat >= since.getTime() ? overdueStep(job, now, config) : undefined;
  if (overdue !== undefined) {
    return overdue;
  }
  const heard = Math.max(since.getTime(), Date.parse(job.snapshot.at), heartbeat);
  const seconds = Math.round((now.getTime() - heard) / 1000);
  if (seconds > patienceSeconds(job, config)) {
    return { kind: 'mute', seconds };
  }
  return seconds > config.heartbeatSeconds ? { kind: 'silent', seconds } : { kind: 'fine' };
}

function patienceSeconds({ place }: StoredJob, { heartbeatSeconds, graceSeconds }: JobsConfig): number {
  const here = heartbeatSeconds * MUTE_HEARTBEATS;
  return place === null ? here : Math.max(here, graceSeconds + CARRIER_MARGIN_SECONDS);
}

function overdueStep(job: StoredJob, now: Date, config: JobsConfig): Finding | undefined {
  for (const step of job.steps) {
    if (step.state !== 'running' || step.started === null) {
      continue;
    }
    const limitSeconds = config.deadlines[step.name] ?? config.deadlines['default'] ?? 0;
    const seconds = (now.getTime() - Date.parse(step.started)) / 1000;
    if (limitSeconds > 0 && seconds > limitSeconds + DEADLINE_MARGIN_SECONDS) {
      return { kind: 'overdue', step: step.name, limitSeconds };
    }
  }
  return undefined;
}
