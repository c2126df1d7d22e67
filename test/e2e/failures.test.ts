/**
 * What a user sees when a recipe is wrong: the job ends in `error`, its reason says what is wrong, where, and what
 * to do, and nothing of it stays on the host. The checks of archives, templates and schema are told apart more
 * finely in test/host/recipe-checks.test.ts; here they go the whole way from `kiln recipes create`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobCreate } from '../../src/contract/jobs.ts';
import { createJob, logOf, untilOver } from '../support/jobs.ts';
import { expectNothingLeft, startService, type TestService } from '../support/kiln.ts';
import { registerTiny, type TinyRecipe } from '../support/recipes.ts';
import { publishTinyRpm, registerTinyRpm } from '../support/tiny-rpm.ts';

let service: TestService;
let repositories = 0;
beforeAll(async () => {
  service = await startService({ 'repositories.wait_seconds': '2' });
});
afterAll(async () => {
  await service?.close();
});

const failureOf = async (recipe: TinyRecipe) => failureFrom(await registerTiny(service, recipe));

/** Where nothing of the image has to run, the smallest root does. `script`: of its package, in Lua. */
async function failureOfTinyRpm(script: string, also: Partial<JobCreate>) {
  repositories += 1;
  const url = await publishTinyRpm(service, `tiny-${repositories}`, script);
  return failureFrom(await registerTinyRpm(service, { manager: 'zypper', url }), also);
}

async function failureFrom(id: string, also: Partial<JobCreate> = {}) {
  const job = await untilOver(service, (await createJob(service, id, also)).id);
  expect(job, (await logOf(service, job.id)).slice(-40).join('\n')).toMatchObject({
    state: 'failed',
    status: 'error',
    resultant_image_id: null,
  });
  expect(job.reason?.hint).not.toBe('');
  await expectNothingLeft(service, job.id);
  return job;
}

describe('a recipe that is wrong', () => {
  it('names a package that no repository has', async () => {
    const job = await failureOf({ package: 'no-such-package-anywhere' });

    expect(job.reason).toMatchObject({ code: 'package-not-found', step: 'prepare' });
    expect(job.reason?.detail).toContain('no-such-package-anywhere');
  });

  it('names a repository that nobody serves', async () => {
    const job = await failureOf({ mirror: 'http://packages.invalid/debian' });

    expect(job.reason).toMatchObject({ code: 'repository-unreachable', step: 'repositories' });
    expect(JSON.stringify(job.reason?.errors)).toContain('packages.invalid');
  });

  it('has a script that fails', async () => {
    const job = await failureOf({
      script: 'for i in $(seq 1 30); do echo "line $i of the script"; done\nexit 7',
    });

    expect(job.reason).toMatchObject({ code: 'recipe-script-failed', step: 'prepare' });
    expect(job.reason?.detail).toContain('line 30 of the script');
    expect(job.reason?.detail).toContain('line 12 of the script');
    expect(job.reason?.detail).toContain('config.sh');
    expect(job.shell).toBeNull();
    expect(job.steps.map(({ name }) => name)).not.toContain('shell');
  });

  it('is asked for a kernel that it does not have', async () => {
    const job = await failureOfTinyRpm('', { kernel_file_name: 'vmlinuz-9.9' });

    expect(job.reason).toMatchObject({ code: 'boot-file-not-found', step: 'boot-files' });
    expect(job.reason?.detail).toContain('vmlinuz-9.9');
    expect(job.reason?.detail).toContain('vmlinuz-1.0-test');
  });
});

describe('a build that needs more than it may have', () => {
  it('fills its disk', async () => {
    const fill =
      'local file = io.open("/filler", "w"); for i = 1, 4096 do file:write(string.rep("x", 1048576)) end';
    const job = await failureOfTinyRpm(fill, { build_env_size: 1 });

    expect(job.reason).toMatchObject({ code: 'workspace-full', step: 'prepare' });
    expect(job.reason?.detail).toContain('1 GiB');
  });

  it('fills its memory', async () => {
    const fill = 'local all = {}; while true do all[#all + 1] = string.rep("x", 10000000) end';
    const job = await failureOfTinyRpm(fill, { job_mem_size: 1 });

    expect(job.reason).toMatchObject({ code: 'job-out-of-memory', step: 'prepare' });
    expect(job.reason?.detail).toContain('1 GiB');
  });
});
