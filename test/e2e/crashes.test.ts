/** No job hangs and nothing is left behind, whoever dies: the runner, the service, both, or the user's patience. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';
import { createJob, isInstalling, untilJob, untilLogged, untilOver } from '../support/jobs.ts';
import { expectNothingLeft, runnerOf, startService, type TestService } from '../support/kiln.ts';
import { registerTiny } from '../support/recipes.ts';
import { publishTinyRpm, registerTinyRpm } from '../support/tiny-rpm.ts';

/** What the package of a root does when it is installed, in Lua. */
const STUCK = 'while true do posix.sleep(1) end';
/** Goes on long enough for the service to be killed and started again. */
const SLOW = 'for second = 1, 12 do posix.sleep(1) end';

let service: TestService;
beforeEach(async () => {
  service = await startService({ 'jobs.heartbeat_seconds': '5', 'jobs.grace_seconds': '20' });
});
afterEach(async () => {
  await service?.close();
});

async function buildingJob(script: string): Promise<string> {
  const url = await publishTinyRpm(service, 'tiny', script);
  const job = await createJob(service, await registerTinyRpm(service, { manager: 'zypper', url }));
  await untilJob(service, job.id, 'the root to be installed', isInstalling);
  return job.id;
}

/** In the script of a recipe, which Kiwi runs in the root. */
async function scriptedJob(): Promise<string> {
  const script = 'echo "the script is here"; while true; do sleep 1; done';
  const job = await createJob(service, await registerTiny(service, { script }));
  // What a script writes is in the log while it runs.
  await untilLogged(service, job.id, 'the script is here');
  return job.id;
}

async function runnerIn(id: string): Promise<number> {
  return await waitFor(() => runnerOf(service, id), {
    timeoutMs: 60_000,
    describe: () => `the runner of ${id}`,
  });
}

describe('kill -9', () => {
  it('of the runner ends the job with a reason and releases everything', async () => {
    const id = await buildingJob(STUCK);

    process.kill(await runnerIn(id), 'SIGKILL');

    const job = await untilOver(service, id);
    expect(job).toMatchObject({ status: 'error', reason: { code: 'runner-lost', step: 'prepare' } });
    await expectNothingLeft(service, id);
  });

  it('of the service loses nothing when it comes back soon', async () => {
    const id = await buildingJob(SLOW);

    await service.kill();
    await service.restart();

    const job = await untilOver(service, id);
    expect(job.state, JSON.stringify(job.reason)).toBe('succeeded');
    expect((await service.client.images.get(job.resultant_image_id ?? '')).link).not.toBeNull();
    await expectNothingLeft(service, id);
  });

  it('of the service makes the runner give up after its grace time, and the job ends with a reason', async () => {
    const id = await buildingJob(STUCK);
    await runnerIn(id);

    await service.kill();
    await waitFor(() => (runnerOf(service, id) === undefined ? true : undefined), {
      timeoutMs: 300_000,
      intervalMs: 250,
      describe: () => 'the runner to give up by itself',
    });
    await service.restart();

    const job = await untilOver(service, id);
    expect(job).toMatchObject({ status: 'error', resultant_image_id: null });
    expect(job.reason?.code).toMatch(/^(runner-lost|server-lost)$/);
    await expectNothingLeft(service, id);
  });

  it('of both ends the job with a reason when the service starts again', async () => {
    const id = await buildingJob(STUCK);
    const runner = await runnerIn(id);

    await service.kill();
    process.kill(runner, 'SIGKILL');
    await service.restart();

    const job = await untilOver(service, id);
    expect(job).toMatchObject({ status: 'error', reason: { code: 'runner-lost' } });
    await expectNothingLeft(service, id);
  });
});

describe('cancel', () => {
  it('really stops the build and cleans up', async () => {
    const id = await scriptedJob();

    const cancel = await service.kiln(['jobs', 'cancel', id]);

    expect(cancel.exitCode, cancel.tail.join('\n')).toBe(0);
    const job = await untilOver(service, id);
    expect(job).toMatchObject({ state: 'cancelled', status: 'error', reason: { code: 'job-cancelled' } });
    await expectNothingLeft(service, id);
  });
});
