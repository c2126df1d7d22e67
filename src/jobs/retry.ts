/** Another try at a job that failed, from what is kept of it. The new job takes the checkpoint over. */
import type { CheckpointProgress, JobRetry } from '../contract/checkpoints.ts';
import type { Secrets } from '../contract/customizations.ts';
import { KilnError } from '../contract/errors.ts';
import type { Job } from '../contract/jobs.ts';
import type { JobContext } from './ending.ts';
import { presentJob } from './present.ts';
import { insertBuild, type JobServiceDeps, mustFind, newJob } from './service.ts';
import { isOver } from './states.ts';
import { NO_RETRY, type StoredJob } from './store.ts';

export type RetryDeps = JobContext & Pick<JobServiceDeps, 'ids' | 'defaults' | 'sealer'>;

export interface JobRetries {
  /**
   * Throws `job-not-found`, `job-is-running`, `retry-not-possible` when that step was not reached, and `secrets-missing` when
   * changes are to be made that need them.
   */
  retry(id: string, options: JobRetry): Promise<Job>;
}

export function createJobRetries(deps: RetryDeps): JobRetries {
  const { records, changes, log } = deps;
  return {
    async retry(id, { from, secrets = {}, build_env_size }) {
      const job = await records.transaction(async (transaction) => {
        const found = await mustFind(transaction, id);
        checkMayBeRetried(found);
        const resume = resumedBy(found, from);
        checkSecrets(found, resume, secrets);
        const { arch, require_dkms: requireDkms } = found.request;
        const target = { imageId: deps.ids.id(), arch, requireDkms };
        const request = { ...found.request, ...sizeFor(found, build_env_size) };
        const fresh = newJob(deps, deps.ids.id(), request, target, found.customization);
        const next: StoredJob = {
          ...fresh,
          wire: { ...fresh.wire, sshContainer: found.wire.sshContainer },
          retry: { ...NO_RETRY, of: id, resume, place: found.place },
        };
        await insertBuild(transaction, deps, next, secrets);
        if (resume !== null) {
          await transaction.jobs.setRetry(id, { ...found.retry, checkpoint: null });
        }
        return next;
      });
      log.info({ job: job.request.id, of: id, stage: job.retry.resume?.stage ?? null }, 'job is tried again');
      changes.notify({ jobId: job.request.id, kind: 'state' });
      return presentJob(job);
    },
  };
}

function checkMayBeRetried({ request, snapshot }: StoredJob): void {
  if (!isOver(snapshot.state)) {
    throw new KilnError('job-is-running', `job ${request.id} is ${snapshot.state}`);
  }
  if (snapshot.state === 'succeeded') {
    throw new KilnError('retry-not-possible', `job ${request.id} has made its image`);
  }
  if (request.job_type !== 'create' && request.job_type !== 'customize') {
    throw new KilnError('retry-not-possible', `job ${request.id} is an ${request.job_type} job`);
  }
}

/** The disk that is kept grows; it cannot shrink. */
function sizeFor({ request }: StoredJob, asked: number | undefined) {
  if (asked !== undefined && asked < request.build_env_size) {
    const detail = `job ${request.id} had ${request.build_env_size} GiB, and ${asked} are less`;
    throw new KilnError('retry-not-possible', detail);
  }
  return asked === undefined ? {} : { build_env_size: asked };
}

function checkSecrets(
  { request, customization }: StoredJob,
  resume: CheckpointProgress | null,
  given: Secrets,
): void {
  const isOpen =
    resume === null || (resume.stage === 'changes' && resume.changes < customization.changes.length);
  const missing = customization.secretNames.filter((name) => !Object.hasOwn(given, name));
  if (isOpen && missing.length > 0) {
    throw new KilnError('secrets-missing', `job ${request.id} was given ${missing.join(', ')}`);
  }
}

/** The checkpoint as far as the new job is to use it; null when it is to start over. */
function resumedBy(
  { retry, steps, request }: StoredJob,
  from: string | undefined,
): CheckpointProgress | null {
  const { checkpoint } = retry;
  if (from === undefined) {
    return checkpoint === null ? null : { stage: checkpoint.stage, changes: checkpoint.changes };
  }
  const names = steps.map(({ name }) => name);
  const index = names.indexOf(from);
  if (index < 0) {
    const detail = `a ${request.job_type} job has no step "${from}"; it has ${names.join(', ')}`;
    throw new KilnError('retry-not-possible', detail);
  }
  const [stage, may] = needed(from, index, names);
  if (stage === null) {
    return null;
  }
  if (checkpoint === null || !may.includes(checkpoint.stage)) {
    const kept =
      checkpoint === null ? 'nothing is kept of it' : `what is kept of it is "${checkpoint.stage}"`;
    throw new KilnError('retry-not-possible', `job ${request.id} cannot go on with ${from}: ${kept}`);
  }
  return { stage, changes: checkpoint.changes };
}

type Stage = CheckpointProgress['stage'];

/** The stage at which a step begins, and the stages of checkpoints that can be taken for it. */
function needed(step: string, index: number, steps: readonly string[]): [Stage | null, readonly Stage[]] {
  if (step === 'open-shell' || step === 'shell') {
    return ['shell', ['shell', 'root']];
  }
  if (index >= steps.indexOf('boot-files')) {
    return ['root', ['shell', 'root']];
  }
  // Back to what was kept last: after a change, or when somebody asked for it in the shell.
  return step === 'apply' ? ['changes', ['changes', 'shell', 'root']] : [null, []];
}
