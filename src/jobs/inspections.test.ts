import { expect, test } from 'vitest';
import type { InspectionReport } from '../contract/inspections.ts';
import { createWorld, RECIPE_ID, type World } from './testing/world.ts';

const REPORT: InspectionReport = {
  ok: true,
  name: 'r',
  package_manager: 'apt',
  findings: [],
  repositories: [],
  plan: null,
};

const inspect = (world: World, plan = false) =>
  world.service.inspections.ofRecipe({ recipe_id: RECIPE_ID, plan, values: [{ key: 'A', value: '1' }] });

async function documentOf(world: World, id: string) {
  await world.settle();
  const runner = world.machine.runnerOf(id);
  if (runner === undefined) {
    throw new Error('no runner was started');
  }
  return runner.document;
}

const states = (world: World, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await world.service.jobs.get(id)).state));

test('inspections do not wait for builds, nor builds for inspections', async () => {
  const world = createWorld({ slots: 1, settings: { 'jobs.inspections': '2' } });
  const builds = [await world.create(), await world.create()].map(({ id }) => id);
  const inspections = [await inspect(world), await inspect(world), await inspect(world)].map(({ id }) => id);
  await world.settle();
  expect(await states(world, builds)).toEqual(['starting', 'queued']);
  expect(await states(world, inspections)).toEqual(['starting', 'starting', 'queued']);
});

test('a build finds its room when all that is before it in the queue are inspections', async () => {
  const world = createWorld({ slots: 1, settings: { 'jobs.inspections': '1' } });
  const inspections = [await inspect(world), await inspect(world)].map(({ id }) => id);
  const { id } = await world.create();
  await world.settle();
  expect(await states(world, [...inspections, id])).toEqual(['starting', 'queued', 'starting']);
});

test('a report ends the inspection, once, and a build takes none', async () => {
  const world = createWorld();
  const { id } = await inspect(world);
  const { api, attempt, source, inspection } = await documentOf(world, id);
  expect(source.template_dictionary).toEqual([{ key: 'A', value: '1' }]);
  expect(inspection).toEqual({ schema_only: false, plan: false, previous: null });
  const tell = () => world.service.reports.inspected(id, api.token, { attempt, report: REPORT });
  await tell();
  await tell();
  expect(await world.service.jobs.get(id)).toMatchObject({ state: 'succeeded', resultant_image_id: null });
  expect(await world.service.inspections.report(id)).toEqual(REPORT);

  const build = await documentOf(world, (await world.create()).id);
  const report = { attempt: build.attempt, report: REPORT };
  await expect(world.service.reports.inspected(build.job_id, build.api.token, report)).rejects.toMatchObject({
    code: 'bad-request',
  });
});

test('a plan is compared to the last image of the recipe, when its packages are known', async () => {
  const world = createWorld();
  const build = await documentOf(world, (await world.create()).id);
  await world.complete(build);
  const without = await documentOf(world, (await inspect(world, true)).id);
  expect(without.inspection?.previous).toBeNull();
  world.objects.putText({ bucket: 'boot-images', key: `${build.image.id}/packages.json` }, '[]');
  const known = await documentOf(world, (await inspect(world, true)).id);
  expect(known.inspection?.previous).toMatchObject({ image_id: build.image.id });
  expect(known.inspection?.previous?.url).toContain('packages.json');
});
