import { expect, test } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import type { JobDocument } from '../contract/runner.ts';
import { createWorld, type World, type WorldOptions } from './testing/world.ts';

async function running(options: WorldOptions = {}) {
  const world = createWorld(options);
  const { id } = await world.create();
  await world.settle();
  const runner = runnerOf(world, id);
  await world.report(runner.document);
  return { world, id, runner, document: runner.document };
}

function runnerOf(world: World, id: string) {
  const runner = world.machine.runnerOf(id);
  if (runner === undefined) {
    throw new Error('no runner was started');
  }
  return runner;
}

const job = (world: World, id: string) => world.service.jobs.get(id);

test('the document tells a runner all about its job; only a hash of its token is kept', async () => {
  const { world, id, document } = await running();
  expect(document).toMatchObject({
    version: 1,
    attempt: 1,
    image_name: 'an image',
    api: { url: 'http://kiln.test', grace_seconds: 120 },
    source: { name: 'a recipe', size_bytes: 10 },
    workspace: `/nowhere/${id}`,
    limits: { disk_bytes: 60 * 1024 ** 3, memory_bytes: 8 * 1024 ** 3 },
    deadlines: { prepare: 14_400, default: 900 },
  });
  expect(document.source.url).toContain('method=GET');
  expect(document.image.uploads.manifest).toMatchObject({
    path: `s3://boot-images/${document.image.id}/manifest.json`,
  });
  expect(JSON.stringify([...world.state.jobs.values()])).not.toContain(document.api.token);
});

test('a job trusts what the platform trusts when it starts, not when it was asked for', async () => {
  const world = createWorld({ slots: 1 });
  world.hooks.trustedCertificates = () => ['old'];
  const first = await world.create();
  const second = await world.create();
  await world.settle();
  world.hooks.trustedCertificates = () => ['new', 'old'];
  const runner = runnerOf(world, first.id);
  expect(runner.document.trusted_certificates).toEqual(['old']);
  await world.complete(runner.document);
  world.machine.kill(runner);
  await world.settle();

  expect(runnerOf(world, second.id).document.trusted_certificates).toEqual(['new', 'old']);
});

test('jobs run oldest first, as many as there is room for', async () => {
  const world = createWorld({ slots: 2 });
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    ids.push((await world.create()).id);
  }
  await world.settle();
  const states = async () => Promise.all(ids.map(async (id) => (await job(world, id)).state));
  expect(await states()).toEqual(['starting', 'starting', 'queued']);
  const first = runnerOf(world, String(ids[0]));
  await world.complete(first.document);
  await world.settle();
  expect(await states()).toEqual(['succeeded', 'starting', 'queued']);
  world.machine.kill(first);
  await world.settle();
  expect(await states()).toEqual(['succeeded', 'starting', 'starting']);
  expect(world.machine.released).toEqual([ids[0]]);
});

test('a builder root that cannot be made fails the job with its reason', async () => {
  const world = createWorld();
  world.hooks.builderRoot = () => Promise.reject(new KilnError('builder-root-failed', 'no mirror'));
  const { id } = await world.create();
  await world.settle();
  const reason = { code: 'builder-root-failed', detail: 'no mirror' };
  expect(await job(world, id)).toMatchObject({ state: 'failed', reason });
  expect(world.machine.runners).toEqual([]);
  expect(world.machine.released).toEqual([id]);
});

test('a job is cancelled at once while its builder root is still being made', async () => {
  const world = createWorld();
  const { promise, resolve } = deferred<{ digest: string; path: string }>();
  world.hooks.builderRoot = () => promise;
  const { id } = await world.create();
  await world.service.supervisor.tick();
  await world.service.jobs.cancel(id);
  await world.service.supervisor.tick();
  expect(await job(world, id)).toMatchObject({ state: 'cancelled' });
  resolve({ digest: 'd', path: 'p' });
  await world.settle();
  expect(world.machine.runners).toEqual([]);
});

test('a runner that is killed fails its job at once, with its last words', async () => {
  const { world, id, runner } = await running();
  world.machine.kill(runner, ['Bus error']);
  await world.settle();
  const { reason, state } = await job(world, id);
  expect(state).toBe('failed');
  expect(reason).toMatchObject({ code: 'runner-lost' });
  expect(reason?.detail).toMatch(/SIGKILL.*out of memory.*Bus error/s);
  expect(world.machine.released).toEqual([id]);
});

test('a silent runner is lost when it is gone, and ended when it stays mute', async () => {
  const { world, id, runner } = await running();
  world.passSeconds(31);
  await world.settle();
  expect(await job(world, id)).toMatchObject({ state: 'running' });
  world.passSeconds(60);
  await world.settle();
  expect(runner.alive).toBe(false);
  expect(await job(world, id)).toMatchObject({ state: 'failed', reason: { code: 'runner-lost' } });

  const other = await running();
  other.runner.alive = false;
  other.world.passSeconds(31);
  await other.world.settle();
  const lost = await job(other.world, other.id);
  expect(lost).toMatchObject({ state: 'failed', reason: { code: 'runner-lost' } });
});

test('the carrier of a job on a build node is left to say itself that its node is lost', async () => {
  const { world, id, runner } = await running();
  const stored = world.state.jobs.get(id);
  if (stored === undefined) {
    throw new Error('the job is not there');
  }
  world.state.jobs.set(id, { ...stored, place: 'x3000' });
  world.passSeconds(170);
  await world.settle();
  expect(await job(world, id)).toMatchObject({ state: 'running' });
  world.passSeconds(20);
  await world.settle();
  expect(runner.alive).toBe(false);
  expect(await job(world, id)).toMatchObject({ state: 'failed' });
});

test('a step past its deadline is ended by the service when the runner does not', async () => {
  const { world, id, document, runner } = await running();
  const at = '2026-01-01T00:00:00.000Z';
  const silence = async (seconds: number) => {
    world.passSeconds(seconds);
    await world.report(document, { steps: [{ name: 'validate', state: 'running', at }] });
    await world.settle();
  };
  await silence(955);
  expect(await job(world, id)).toMatchObject({ state: 'running' });
  await silence(10);
  const reason = { code: 'step-deadline', step: 'validate' };
  expect(await job(world, id)).toMatchObject({ state: 'failed', reason });
  expect(runner.alive).toBe(false);
});

test('a cancelled runner has time to stop by itself, then it is stopped', async () => {
  const { world, id, runner } = await running();
  await world.service.jobs.cancel(id);
  await world.settle();
  expect(runner.alive).toBe(true);
  world.passSeconds(6);
  await world.settle();
  expect(runner.stopped).toBe(true);
  expect(await job(world, id)).toMatchObject({ state: 'cancelled', reason: { code: 'job-cancelled' } });
  expect(world.machine.released).toEqual([id]);
});

test('what cannot be cleared away is tried again', async () => {
  const { world, id, runner } = await running();
  world.machine.releaseError = new Error('device is busy');
  world.machine.kill(runner);
  await world.settle();
  expect(await job(world, id)).toMatchObject({ state: 'failed' });
  expect(world.machine.released).toEqual([]);
  world.machine.releaseError = undefined;
  await world.settle();
  expect(world.machine.released).toEqual([id]);
});

test('a runner that lives through a restart of the service goes on; a dead one ends its job', async () => {
  const alive = await running();
  alive.world.passSeconds(100);
  await alive.world.restart();
  await alive.world.settle();
  expect(await job(alive.world, alive.id)).toMatchObject({ state: 'running' });
  await alive.world.complete(alive.document);
  expect(await job(alive.world, alive.id)).toMatchObject({ state: 'succeeded' });

  const dead = await running();
  dead.world.crash();
  dead.runner.alive = false;
  await dead.world.restart();
  const { reason } = await job(dead.world, dead.id);
  expect(reason).toMatchObject({ code: 'runner-lost', detail: expect.stringContaining('started again') });
});

test('a job whose start a crash interrupted is queued again, and the first runner is fenced', async () => {
  const world = createWorld();
  let lost: JobDocument | undefined;
  world.machine.onStart = (runner) => {
    lost ??= runner.document;
    world.crash();
  };
  const { id } = await world.create();
  await world.service.supervisor.tick();
  await world.service.supervisor.idle();
  world.machine.onStart = () => {};
  await world.restart();
  await world.settle();
  const { document } = runnerOf(world, id);
  expect(document.attempt).toBe(2);
  expect(world.machine.runners.map((runner) => runner.alive)).toEqual([false, true]);
  expect(lost?.attempt).toBe(1);
  if (lost !== undefined) {
    await expect(world.report(lost)).rejects.toMatchObject({ code: 'unauthorized' });
  }
  await world.complete(document);
  expect(await job(world, id)).toMatchObject({ state: 'succeeded' });
});

test('a job that brings the service down again and again is given up', async () => {
  const world = createWorld();
  world.machine.onStart = () => world.crash();
  const { id } = await world.create();
  await world.settle().catch(() => {});
  for (let count = 0; count < 4; count += 1) {
    await world.restart().catch(() => {});
    await world.service.supervisor.idle();
  }
  await world.restart();
  const reason = { code: 'runner-could-not-start' };
  expect(await job(world, id)).toMatchObject({ state: 'failed', reason });
  expect(world.machine.runners.length).toBe(3);
});

test('a stop does not wait for a builder root, and the job is taken up after it', async () => {
  const world = createWorld();
  const { builderRoot } = world.hooks;
  world.hooks.builderRoot = () => new Promise(() => {});
  const { id } = await world.create();
  await world.service.supervisor.tick();
  await world.service.supervisor.stop();
  expect(await job(world, id)).toMatchObject({ state: 'starting' });
  world.hooks.builderRoot = builderRoot;
  await world.restart();
  await world.settle();
  expect(runnerOf(world, id).document.attempt).toBe(2);
});

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
