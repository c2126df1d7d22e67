/** `kiln recipes install` against a real service: what is there afterwards, however often and by how many it is run. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { contextOf } from '../../src/cli/context.ts';
import { type InstallOptions, installRecipe } from '../../src/cli/recipe-install.ts';
import { type ShippedRecipe, shippedRecipes } from '../../src/cli/shipped-recipes.ts';
import { runKiln } from '../../src/cli/testing/run-kiln.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let service: InProcessService;
let client: KilnClient;
let folder: string;
let shipped: ShippedRecipe;
beforeEach(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  client = createClient({ baseUrl: service.url, fetch: checkedFetch });
  folder = await mkdtemp(join(tmpdir(), 'kiln-install-test-'));
  const [rocky] = await shippedRecipes(['rocky9-barebones']);
  if (rocky === undefined) {
    throw new Error('rocky9-barebones does not ship');
  }
  await cp(rocky.folder, folder, { recursive: true });
  shipped = { ...rocky, folder };
});
afterEach(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

const kiln = (...words: string[]) =>
  runKiln(['recipes', 'install', ...words, '--server', service.url, '--format', 'json']);

const install = (values: Record<string, string> = {}, options: Partial<InstallOptions> = {}) =>
  installRecipe({ ...contextOf({ server: service.url, format: 'json' }), say: () => {} }, shipped, 'x86_64', {
    values: new Map(Object.entries(values)),
    dryRun: false,
    signal: new AbortController().signal,
    ...options,
  });

const names = async () => (await client.recipes.list()).map(({ name }) => name).sort();

describe('kiln recipes install', () => {
  it('registers all that ship, with distribution, architecture and archive; a second time changes nothing', async () => {
    const first = await kiln();
    expect([first.exitCode, first.stderr]).toEqual([
      0,
      expect.stringContaining('rocky9-barebones-x86_64: created'),
    ]);
    const recipes = await client.recipes.list();
    expect(recipes).toHaveLength((await shippedRecipes([])).length * 2);
    for (const recipe of recipes) {
      expect(recipe.name).toMatch(new RegExp(`-barebones-${recipe.arch}$`));
      expect(recipe.link, recipe.name).not.toBeNull();
      expect(JSON.stringify(recipe.template_dictionary)).not.toContain('{arch}');
    }

    const second = await kiln();

    const actions = new Set((JSON.parse(second.stdout) as { action: string }[]).map(({ action }) => action));
    expect([...actions]).toEqual(['unchanged']);
    expect(await client.recipes.list()).toEqual(recipes);
  });

  it('takes names, an architecture and values, and refuses those that nobody has', async () => {
    const words = [
      'rocky9-barebones',
      '--arch',
      'aarch64',
      '--values',
      'REPOSITORY_BASE=https://one.example.org/r',
    ];
    expect((await kiln(...words)).exitCode).toBe(0);
    const [recipe, ...others] = await client.recipes.list();
    expect([recipe?.arch, recipe?.linux_distribution, others]).toEqual(['aarch64', 'rocky9', []]);
    expect(recipe?.template_dictionary).toContainEqual({
      key: 'REPOSITORY_BASE',
      value: 'https://one.example.org/r',
    });
    expect((await kiln('rocky8')).exitCode).toBe(2);
    expect((await kiln('rocky9-barebones', '--values', 'COLOUR=red')).stderr).toContain('COLOUR');
  });

  it('only says on a dry run what it would do', async () => {
    const seen = await kiln('debian-barebones', '--dry-run');
    expect(seen.stderr).toContain('debian-barebones-x86_64: would be created');
    expect(await client.recipes.list()).toEqual([]);
  });

  it('changes values in place', async () => {
    const before = await install();
    const after = await install({ REPOSITORY_BASE: 'https://two.example.org' });
    expect([before.action, after]).toEqual(['created', { ...before, action: 'values changed' }]);
    expect(await names()).toEqual(['rocky9-barebones-x86_64']);
  });

  it('puts a recipe with other files in the place of the one before, which can be had back', async () => {
    const before = await install();
    await writeFile(join(folder, 'config.sh'), 'true\n');
    expect(await install({}, { dryRun: true })).toMatchObject({ action: 'replaced', id: null });
    const after = await install();
    expect(after.action).toBe('replaced');
    expect((await client.recipes.list()).map(({ id }) => id)).toEqual([after.id]);
    expect((await client.deleted.recipes.list()).map(({ id }) => id)).toEqual([before.id]);
  });

  it('leaves alone what somebody registered under the same name, and a recipe that a job builds from', async () => {
    const mine = await client.recipes.create({
      name: 'rocky9-barebones-x86_64',
      linux_distribution: 'rocky9',
    });
    const before = await install();
    const job = await client.jobs.create({
      job_type: 'create',
      artifact_id: before.id ?? '',
      image_root_archive_name: 'image',
    });
    await writeFile(join(folder, 'config.sh'), 'true\n');
    const after = await install();
    const ids = async () => (await client.recipes.list()).map(({ id }) => id);
    expect(await ids()).toEqual([mine.id, before.id, after.id]);
    await client.jobs.cancel(job.id);
    expect(await install()).toMatchObject({ action: 'unchanged', id: after.id });
    expect(await ids()).toEqual([mine.id, after.id]);
  });

  it('makes one record when two do it at the same time', async () => {
    await Promise.all([install(), install()]);
    await install();
    expect(await names()).toEqual(['rocky9-barebones-x86_64']);
  });
});
