/** Jobs of the end-to-end tests: create one, wait for a point in its life, and show its log when it fails. */
import { isOver } from '../../src/client/index.ts';
import type { Job, JobCreate } from '../../src/contract/jobs.ts';
import type { RunningService } from './kiln.ts';

export async function createJob(
  service: RunningService,
  recipe: string,
  also: Partial<JobCreate> = {},
): Promise<Job> {
  return await service.client.jobs.create({
    job_type: 'create',
    artifact_id: recipe,
    image_root_archive_name: 'tiny',
    build_env_size: 2,
    ...also,
  });
}

/** Kiwi is at work in the root. */
export const isInstalling = (job: Job): boolean =>
  job.steps.some(
    ({ name, state, first_line }) => name === 'prepare' && state === 'running' && first_line !== null,
  );

/**
 * The job once this is true of it, or once it is over. It is told of changes as they come: to ask again and again takes
 * the processor from what is waited for. Throws with the job and the end of its log when the time is over.
 */
export async function untilJobOrOver(
  service: RunningService,
  id: string,
  what: string,
  condition: (job: Job) => boolean,
  timeoutMs = 1_200_000,
): Promise<Job> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  let last: Job | undefined;
  try {
    for await (const job of service.client.jobs.watch(id, { signal: stop.signal })) {
      last = job;
      if (condition(job) || isOver(job)) {
        return job;
      }
    }
    throw new Error('the service ended its events before the job did');
  } catch (cause) {
    const problem = stop.signal.aborted ? `waited ${timeoutMs / 1000} s in vain` : String(cause);
    throw new Error(await evidence(service, id, `${what}: ${problem}`, last), { cause });
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/** Waits until the job is as the condition wants it; the evidence is the job and the end of its log. */
export async function untilJob(
  service: RunningService,
  id: string,
  what: string,
  condition: (job: Job) => boolean,
  timeoutMs?: number,
): Promise<Job> {
  const job = await untilJobOrOver(service, id, what, condition, timeoutMs);
  if (!condition(job)) {
    throw new Error(await evidence(service, id, `${what}: the job ended as ${job.state}`, job));
  }
  return job;
}

export function untilOver(service: RunningService, id: string, timeoutMs?: number): Promise<Job> {
  return untilJob(service, id, `job ${id} to end`, isOver, timeoutMs);
}

/** Waits until a line of the log has this text. */
export async function untilLogged(service: RunningService, id: string, text: string): Promise<void> {
  const signal = AbortSignal.timeout(1_200_000);
  const what = `"${text}" in the log of job ${id}`;
  try {
    for await (const line of service.client.jobs.log(id, { signal })) {
      if (line.text.includes(text)) {
        return;
      }
    }
  } catch (cause) {
    throw new Error(await evidence(service, id, `${what}: ${cause}`), { cause });
  }
  throw new Error(await evidence(service, id, `${what}: the job ended without it`));
}

async function evidence(service: RunningService, id: string, problem: string, job?: Job): Promise<string> {
  const log = await logOf(service, id).catch((error) => [`the log cannot be read: ${error}`]);
  return (
    `${problem}\njob: ${JSON.stringify(job, null, 2)}\n` +
    `log:\n${log.slice(-60).join('\n')}\nservice:\n${service.output().slice(-4000)}`
  );
}

export async function logOf(service: RunningService, id: string): Promise<string[]> {
  const response = await fetch(`${service.url}/kiln/v1/jobs/${id}/log`, {
    headers: { accept: 'text/plain' },
  });
  return (await response.text()).split('\n');
}
