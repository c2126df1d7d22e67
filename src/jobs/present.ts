/** A stored job in the shape in which clients see it. */
import type { JobShell } from '../contract/customizations.ts';
import type { Job } from '../contract/jobs.ts';
import { DEBUG_SHELL } from './customizations.ts';
import { isOver, statusOf } from './states.ts';
import type { StoredJob } from './store.ts';

export function presentJob(job: StoredJob): Job {
  return {
    ...job.request,
    place: job.place,
    status: statusOf(job.snapshot.state, job.steps),
    state: job.snapshot.state,
    started: job.started,
    finished: job.finished,
    heartbeat: job.heartbeat,
    steps: job.steps,
    log_lines: job.logLines,
    secret_names: [...job.customization.secretNames],
    changes: [...job.customization.changes],
    shell: presentShell(job),
    // Of what succeeded nothing is kept.
    checkpoint: job.snapshot.state === 'succeeded' ? null : job.retry.checkpoint,
    retry_of: job.retry.of,
    reason: job.snapshot.reason,
    resultant_image_id: job.snapshot.resultantImageId,
  };
}

/** A shell is open as long as its job goes on; nobody may be there to say that it is closed. */
function presentShell({ customization, shell: { open }, snapshot }: StoredJob): JobShell | null {
  const asked = customization.shell;
  if (asked === null && open === null) {
    return null;
  }
  const over = isOver(snapshot.state);
  return {
    ...(asked ?? DEBUG_SHELL),
    state: open === null ? (over ? 'closed' : 'requested') : open.open && !over ? 'open' : 'closed',
    user: 'root',
    host: open?.host ?? null,
    port: open?.port ?? null,
    host_key: open?.host_key ?? null,
    fingerprint: open?.fingerprint ?? null,
    ends: open?.ends ?? null,
    idle_ends: open?.idle_ends ?? null,
    connections: open?.connections ?? [],
    last_checkpoint: open?.last_checkpoint ?? null,
  };
}
