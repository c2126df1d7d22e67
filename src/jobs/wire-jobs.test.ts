import { expect, test } from 'vitest';
import { silentLog } from '../platform/log.ts';
import { createWorld, type World } from './testing/world.ts';
import { createWireJobs } from './wire-jobs.ts';

function wireJobsOf(world: World) {
  const { records, changes, jobs } = world.service;
  const clock = { now: () => new Date('2026-01-01T00:00:00.000Z') };
  const context = { records, changes, clock, log: silentLog, cleanObjects: async () => {} };
  return createWireJobs({ ...context, jobs });
}

test('a job that runs is deleted: gone for clients at once, and for good when its runner is', async () => {
  const world = createWorld();
  await world.service.supervisor.start();
  const { id } = await world.create();
  await world.settle();
  expect(world.machine.runnerOf(id)?.alive).toBe(true);
  await wireJobsOf(world).remove(id);
  await expect(wireJobsOf(world).get(id)).rejects.toMatchObject({ code: 'job-not-found' });
  await expect(wireJobsOf(world).say(id, { status: 'success' })).rejects.toMatchObject({
    code: 'job-not-found',
  });
  expect(await wireJobsOf(world).list()).toEqual([]);
  expect((await world.service.jobs.get(id)).state).toBe('cancelling');
  await world.settle();
  expect(world.machine.runnerOf(id)?.alive).toBe(true);
  world.passSeconds(60);
  await world.settle();
  expect(world.machine.runnerOf(id)?.alive).toBe(false);
  expect(world.machine.released).toEqual([id]);
  await expect(world.service.jobs.get(id)).rejects.toMatchObject({ code: 'job-not-found' });
});

test('a crash between the end of a deleted job and its removal is mended at the next start', async () => {
  const world = createWorld();
  await world.service.supervisor.start();
  const { id } = await world.create();
  await world.settle();
  await wireJobsOf(world).remove(id);
  world.crash();
  const runner = world.machine.runnerOf(id);
  if (runner === undefined) {
    throw new Error('the job has no runner');
  }
  world.machine.kill(runner);
  await world.restart();
  await world.settle();
  await expect(world.service.jobs.get(id)).rejects.toMatchObject({ code: 'job-not-found' });
});

test('what a client said lapses when the engine moves the job on; the image that it named stays', async () => {
  const world = createWorld();
  const { id } = await world.create();
  const jobs = wireJobsOf(world);
  const resultantImageId = '33333333-3333-4333-8333-333333333333';
  await jobs.say(id, { resultantImageId });
  const said = await jobs.say(id, { status: 'success' });
  expect(said.job).toMatchObject({ status: 'success', resultant_image_id: resultantImageId });
  await world.service.jobs.cancel(id);
  expect((await jobs.get(id)).job).toMatchObject({ status: 'error', resultant_image_id: resultantImageId });
  expect(await world.service.jobs.get(id)).toMatchObject({ status: 'error', resultant_image_id: null });
});
