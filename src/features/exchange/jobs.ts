/** Jobs that are over, between the form in which they are stored and that of the archive. */
import type { ExportedJob } from '../../contract/exchange.ts';
import type { Records } from '../../ports/records.ts';

type StoredJob = Awaited<ReturnType<Records['jobs']['list']>>[number];

const STATUS = { succeeded: 'success', failed: 'error', cancelled: 'error' } as const;
type FinalState = keyof typeof STATUS;

function isFinal(state: string): state is FinalState {
  return Object.hasOwn(STATUS, state);
}

/** Undefined for a job that is not over: it belongs to the service that runs it. */
export function exportedJob(job: StoredJob): ExportedJob | undefined {
  const { state, reason, resultantImageId } = job.snapshot;
  if (!isFinal(state) || job.wire.removed) {
    return undefined;
  }
  return {
    ...job.request,
    place: job.place,
    status: job.wire.status ?? STATUS[state],
    state,
    started: job.started,
    finished: job.finished,
    heartbeat: null,
    steps: job.steps,
    log_lines: 0,
    secret_names: [...job.customization.secretNames],
    changes: [...job.customization.changes],
    reason,
    resultant_image_id: job.wire.resultantImageId ?? resultantImageId,
    ssh_container: job.wire.sshContainer,
  };
}

/** The same job in the records of another service. Its log stays where it was. */
export function storedJob(job: ExportedJob): StoredJob {
  const { ssh_container, status, state, started, finished, heartbeat, steps, log_lines, ...rest } = job;
  const {
    reason,
    resultant_image_id,
    changes = [],
    secret_names = [],
    place = null,
    node = null,
    node_labels = {},
    ...asked
  } = rest;
  return {
    request: { ...asked, node, node_labels },
    snapshot: {
      sequence: 1,
      state,
      at: finished ?? job.created,
      attempt: 1,
      reason,
      resultantImageId: resultant_image_id,
    },
    steps,
    started,
    finished: finished ?? job.created,
    heartbeat: null,
    logLines: 0,
    reservedImageId: resultant_image_id ?? job.id,
    tokenHash: null,
    execution: null,
    place,
    inspection: null,
    customization: { changes, metadata: {}, secretNames: secret_names, shell: ssh_container },
    shell: { open: null, verdict: null, extendedSeconds: 0, checkpoints: 0 },
    retry: { checkpoint: null, of: null, resume: null, place: null },
    wire: {
      sshContainer: ssh_container,
      status,
      resultantImageId: resultant_image_id,
      saidAt: 1,
      removed: false,
    },
  };
}
