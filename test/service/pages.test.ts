/** Lists of jobs and of what was deleted come in pages too, sorted and filtered like the others. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { createClient } from '../../src/client/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

const NAMES = ['compute-b', 'login', 'compute-a', 'compute-c', 'login'];

let service: InProcessService;
beforeAll(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  const { images, recipes, jobs } = createClient({ baseUrl: service.url, fetch: checkedFetch });
  for (const name of NAMES) {
    const { id } = await images.create({ name });
    await images.delete(id);
  }
  await service.objects.put({ bucket: 'ims', key: 'recipe' }, Readable.from([Buffer.from('x')]));
  const link = { path: 's3://ims/recipe', type: 's3' as const };
  const recipe = await recipes.create({ name: 'recipe', linux_distribution: 'sles15', link });
  for (const name of NAMES) {
    await jobs.create({ job_type: 'create', artifact_id: recipe.id, image_root_archive_name: name });
  }
});
afterAll(() => service.close());

async function pages(path: string, query: string): Promise<string[][]> {
  const found: string[][] = [];
  let cursor = '';
  do {
    const response = await checkedFetch(`${service.url}/kiln/v1/${path}?${query}${cursor}`);
    const records = (await response.json()) as Array<{ name?: string; image_root_archive_name?: string }>;
    found.push(records.map((record) => record.name ?? record.image_root_archive_name ?? ''));
    const next = response.headers.get('x-next-cursor');
    cursor = next === null ? '' : `&cursor=${next}`;
  } while (cursor !== '');
  return found;
}

it.each(['jobs', 'deleted/images'])('%s', async (path) => {
  expect(await pages(path, '')).toEqual([NAMES]);
  expect(await pages(path, 'limit=2')).toEqual([NAMES.slice(0, 2), NAMES.slice(2, 4), NAMES.slice(4)]);
  expect(await pages(path, 'limit=2&sort=-name')).toEqual([
    ['login', 'login'],
    ['compute-c', 'compute-b'],
    ['compute-a'],
  ]);
  expect(await pages(path, 'name=compute-*&sort=name&limit=10')).toEqual([
    ['compute-a', 'compute-b', 'compute-c'],
  ]);
});

it('jobs can be asked for by what they were asked for', async () => {
  expect(await pages('jobs', 'job_type=import')).toEqual([[]]);
  expect(await pages('jobs', 'job_type=create&arch=x86_64&limit=10')).toEqual([NAMES]);
});

it('a cursor that is none is refused', async () => {
  for (const path of ['jobs', 'deleted/images']) {
    const response = await fetch(`${service.url}/kiln/v1/${path}?cursor=nonsense`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      422,
      'bad-cursor',
    ]);
  }
});
