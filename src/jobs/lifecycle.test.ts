/** Whatever happens to a job and in which order: it ends, once, with a reason or an image. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import type { JobState } from '../contract/jobs.ts';
import { isOver } from './states.ts';
import type { FakeRunner } from './testing/machine.ts';
import { createWorld, type World } from './testing/world.ts';

const JOBS = 2;
const failure = { code: 'kiwi-failed', title: 't', detail: 'd', hint: 'h', step: null };

type Action =
  | { readonly kind: 'report' | 'fail' | 'complete' | 'kill'; readonly runner: number }
  | { readonly kind: 'cancel'; readonly job: number }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'tick' | 'settle' | 'restart' | 'crash-at-start' | 'no-builder-root' };

const kinds = <K extends string>(...all: K[]) => fc.constantFrom(...all);
const onRunner = kinds('report', 'report', 'complete', 'fail', 'kill');
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: onRunner, runner: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.record({ kind: kinds('tick', 'settle', 'settle') }) },
  { weight: 2, arbitrary: fc.record({ kind: kinds('pass'), seconds: fc.constantFrom(1, 6, 35, 100) }) },
  { weight: 1, arbitrary: fc.record({ kind: kinds('cancel'), job: fc.nat(JOBS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: kinds('restart', 'crash-at-start', 'no-builder-root') }) },
);
/** Each action, and whether the next one waits for it. */
const waits = fc.oneof(
  { weight: 2, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);
const script = fc.array(fc.tuple(action, waits), { minLength: 4, maxLength: 40 });

async function perform(world: World, ids: readonly string[], step: Action): Promise<void> {
  switch (step.kind) {
    case 'cancel':
      await world.service.jobs.cancel(ids[step.job] ?? '');
      return;
    case 'pass':
      world.passSeconds(step.seconds);
      return;
    case 'tick':
      await world.service.supervisor.tick();
      return;
    case 'settle':
      await world.settle();
      return;
    case 'restart':
      await world.restart();
      return;
    case 'crash-at-start':
      world.machine.onStart = () => {
        world.machine.onStart = () => {};
        world.crash();
      };
      return;
    case 'no-builder-root': {
      const { builderRoot } = world.hooks;
      world.hooks.builderRoot = () => {
        world.hooks.builderRoot = builderRoot;
        return Promise.reject(new KilnError('builder-root-failed', 'no mirror'));
      };
      return;
    }
    default: {
      const { runners } = world.machine;
      const runner = runners[step.runner % Math.max(1, runners.length)];
      if (runner !== undefined) {
        await performOn(world, runner, step.kind);
      }
    }
  }
}

/** Runners that are dead report too: what they sent may have been under way. */
async function performOn(world: World, runner: FakeRunner, kind: Action['kind']): Promise<void> {
  if (kind === 'kill') {
    world.machine.kill(runner);
  } else if (kind === 'complete') {
    await world.complete(runner.document);
  } else {
    await world.report(runner.document, kind === 'fail' ? { failure } : {});
  }
}

function ignoreRefusal(error: unknown): void {
  const refused = error instanceof KilnError;
  const died = error instanceof Error && error.message === 'this process is dead';
  if (!refused && !died) {
    throw error;
  }
}

test('every job ends once, with a reason or an image, whatever happens', { timeout: 60_000 }, async () => {
  const ends = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const world = createWorld();
      const ids: string[] = [];
      for (let count = 0; count < JOBS; count += 1) {
        ids.push((await world.create()).id);
      }
      const underWay: Promise<void>[] = [];
      for (const [step, isAwaited] of steps) {
        const done = perform(world, ids, step).catch(ignoreRefusal);
        underWay.push(done);
        if (isAwaited) {
          await done;
        }
      }
      await Promise.all(underWay);
      await endOfTime(world);
      for (const id of ids) {
        const state = await checkEnd(world, id);
        ends.set(state, (ends.get(state) ?? 0) + 1);
      }
      expect(world.machine.runners.filter((runner) => runner.alive)).toEqual([]);
    }),
    { numRuns: 300 },
  );
  // Otherwise the scripts would prove less than they seem to.
  expect([...ends.keys()].sort()).toEqual(['cancelled', 'failed', 'succeeded']);
});

/** The service is up and nobody reports any more; every job must end by that alone. */
async function endOfTime(world: World): Promise<void> {
  world.machine.onStart = () => {};
  await world.restart();
  for (let count = 0; count < 3 * JOBS; count += 1) {
    await world.settle();
    world.passSeconds(100);
  }
  await world.settle();
}

async function checkEnd(world: World, id: string): Promise<JobState> {
  const job = await world.service.jobs.get(id);
  const snapshots = await world.service.records.jobs.snapshots(id);
  expect(isOver(job.state)).toBe(true);
  expect(snapshots.filter((snapshot) => isOver(snapshot.state))).toHaveLength(1);
  expect(snapshots.map((snapshot) => snapshot.sequence)).toEqual(snapshots.map((_, index) => index + 1));
  const images = [...world.state.images.values()].filter((image) => image.job_id === id);
  const journaled = [...world.state.cleanup.values()].filter((entry) =>
    entry.keyPrefix.startsWith(world.state.jobs.get(id)?.reservedImageId ?? 'none'),
  );
  if (job.state === 'succeeded') {
    expect(images.map((image) => image.id)).toEqual([job.resultant_image_id]);
    expect(journaled).toEqual([]);
    expect(job.reason).toBeNull();
  } else {
    expect(images).toEqual([]);
    expect(journaled).toMatchObject([{ jobId: null }]);
    expect(job.reason?.code).toBeTruthy();
    expect(job.resultant_image_id).toBeNull();
  }
  return job.state;
}
