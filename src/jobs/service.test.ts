import { expect, test } from 'vitest';
import { createWorld, RECIPE_ID } from './testing/world.ts';

const OTHER_ID = '22222222-2222-4222-8222-222222222222';

test('a new job is queued, has all steps, and its uploads are journaled', async () => {
  const world = createWorld();
  const job = await world.create({ enable_debug: true });
  expect(job).toMatchObject({ state: 'queued', status: 'creating', enable_debug: true, arch: 'x86_64' });
  expect(job.steps.map((step) => step.name)).toContain('prepare');
  expect(job).toMatchObject({ build_env_size: 60, job_mem_size: 8, kernel_file_name: null });
  const reserved = world.state.jobs.get(job.id)?.reservedImageId;
  expect([...world.state.cleanup.values()]).toMatchObject([
    { bucket: 'boot-images', keyPrefix: `${reserved}/`, jobId: job.id },
  ]);
});

test('a job that could never run is refused, and nothing is stored', async () => {
  const world = createWorld();
  const recipe = world.state.recipes.get(RECIPE_ID);
  if (recipe === undefined) {
    throw new Error('the world has no recipe');
  }
  await expect(world.create({ artifact_id: OTHER_ID })).rejects.toMatchObject({ code: 'recipe-not-found' });
  await expect(world.create({ job_type: 'customize' })).rejects.toMatchObject({
    code: 'shell-without-key',
  });
  await expect(world.create({ public_key_id: OTHER_ID })).rejects.toMatchObject({
    code: 'public-key-not-found',
  });
  world.state.recipes.set(RECIPE_ID, { ...recipe, link: null });
  await expect(world.create()).rejects.toMatchObject({ code: 'recipe-without-archive' });
  world.state.recipes.set(RECIPE_ID, { ...recipe, recipe_type: 'packer' });
  await expect(world.create()).rejects.toMatchObject({ code: 'recipe-type-not-supported' });
  expect(world.state.jobs.size).toBe(0);
  expect(world.state.cleanup.size).toBe(0);
});

test('a job is for the machine that its recipe is for', async () => {
  const world = createWorld();
  const recipe = world.state.recipes.get(RECIPE_ID);
  if (recipe === undefined) {
    throw new Error('the world has no recipe');
  }
  world.state.recipes.set(RECIPE_ID, { ...recipe, arch: 'aarch64' });
  expect(await world.create()).toMatchObject({ arch: 'aarch64' });
});

test('a queued job that is cancelled ends at once and has its objects cleaned', async () => {
  const world = createWorld();
  const { id } = await world.create();
  const job = await world.service.jobs.cancel(id);
  expect(job).toMatchObject({ state: 'cancelled', status: 'error', reason: { code: 'job-cancelled' } });
  expect([...world.state.cleanup.values()]).toMatchObject([{ jobId: null }]);
  expect(world.timesCleaned()).toBe(1);
  await expect(world.service.jobs.cancel(id)).rejects.toMatchObject({ code: 'job-is-over' });
});

test('only a job that is over can be deleted', async () => {
  const world = createWorld();
  const { id } = await world.create();
  await expect(world.service.jobs.delete(id)).rejects.toMatchObject({ code: 'job-is-running' });
  await world.service.jobs.cancel(id);
  await world.service.jobs.delete(id);
  await expect(world.service.jobs.get(id)).rejects.toMatchObject({ code: 'job-not-found' });
  await expect(world.service.jobs.delete(id)).rejects.toMatchObject({ code: 'job-not-found' });
});
