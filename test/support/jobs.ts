/** Jobs of the end-to-end tests: create one, wait for a point in its life, and show its log when it fails. */
import type { Job, JobCreate } from '../../src/contract/jobs.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { TestService } from './kiln.ts';

const OVER = new Set(['succeeded', 'failed', 'cancelled']);

export async function createJob(
  service: TestService,
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

/** Waits until the job is as the condition wants it; the evidence is the job and the end of its log. */
export async function untilJob(
  service: TestService,
  id: string,
  what: string,
  condition: (job: Job) => boolean,
  timeoutMs = 600_000,
): Promise<Job> {
  let last: Job | undefined;
  try {
    return await waitFor(
      async () => {
        last = await service.client.jobs.get(id);
        if (OVER.has(last.state) && !condition(last)) {
          throw new Error(`the job ended as ${last.state}`);
        }
        return condition(last) ? last : undefined;
      },
      { timeoutMs, intervalMs: 200, describe: () => what },
    );
  } catch (cause) {
    const log = await logOf(service, id);
    throw new Error(
      `${what}: ${cause instanceof Error ? cause.message : cause}\njob: ${JSON.stringify(last, null, 2)}\n` +
        `log:\n${log.slice(-60).join('\n')}\nservice:\n${service.output().slice(-4000)}`,
      { cause },
    );
  }
}

export function untilOver(service: TestService, id: string, timeoutMs?: number): Promise<Job> {
  return untilJob(service, id, `job ${id} to end`, (job) => OVER.has(job.state), timeoutMs);
}

export function untilLogged(service: TestService, id: string, text: string): Promise<void> {
  return waitFor(
    async () => ((await logOf(service, id)).some((line) => line.includes(text)) ? true : undefined),
    { timeoutMs: 600_000, intervalMs: 250, describe: () => `"${text}" in the log of job ${id}` },
  ).then(() => undefined);
}

export async function logOf(service: TestService, id: string): Promise<string[]> {
  const response = await fetch(`${service.url}/kiln/v1/jobs/${id}/log`, {
    headers: { accept: 'text/plain' },
  });
  return (await response.text()).split('\n');
}
