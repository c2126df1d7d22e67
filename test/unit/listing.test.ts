/** Lists over HTTP: pages, order, filters; over a real database. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../src/contract/images.ts';
import { imageRoutes } from '../../src/features/images/index.ts';
import { silentLog as log } from '../../src/platform/log.ts';
import { createApp } from '../../src/server/app.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type Nouns, openNouns } from '../support/nouns.ts';

const NAMES = ['compute', 'compute', 'login', 'zeta', 'alpha-1', 'alpha-2', 'Über%_*', 'x[1]'];

let folder: string;
let nouns: Nouns;
let app: Awaited<ReturnType<typeof createApp>>;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-lists-'));
  nouns = await openNouns(folder);
  for (const [index, name] of NAMES.entries()) {
    await nouns.features.images.create({
      name,
      arch: index % 2 === 0 ? 'x86_64' : 'aarch64',
      metadata: { number: String(index), 'it\'s "quoted"': index < 3 ? 'yes' : 'no' },
    });
  }
  app = await createApp({ log, version: '0', checks: {}, routes: [imageRoutes(nouns.features)] });
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/kiln/v1/images`;
});
afterAll(async () => {
  await app.close();
  await nouns.close();
  await rm(folder, { recursive: true, force: true });
});

async function list(query: Record<string, string | string[]>) {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([key, value]) =>
      [value].flat().map((each): [string, string] => [key, each]),
    ),
  );
  const response = await checkedFetch(`${url}?${search}`);
  return {
    status: response.status,
    body: (await response.json()) as Image[],
    next: response.headers.get('x-next-cursor'),
  };
}

async function allPages(query: Record<string, string>): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.status, JSON.stringify(page.body)).toBe(200);
    names.push(...page.body.map((image) => image.name));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return names;
}

describe('a list', () => {
  it('is whole and in the order of registration unless something else is asked for', async () => {
    const { body, next } = await list({});
    expect(body.map((image) => image.name)).toEqual(NAMES);
    expect(next).toBeNull();
  });

  it('comes in pages that hold each record once, whatever the size of a page and the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('created', '-created', 'name', '-name'),
        async (limit, sort) => {
          const names = await allPages({ limit: String(limit), sort });
          expect([...names].sort()).toEqual([...NAMES].sort());
          if (sort.endsWith('name')) {
            const sorted = [...NAMES].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
            expect(names).toEqual(sort === 'name' ? sorted : sorted.reverse());
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is filtered by name, field and metadata', async () => {
    expect(await allPages({ name: 'alpha-*', limit: '1' })).toEqual(['alpha-1', 'alpha-2']);
    expect(await allPages({ name: 'x[[]1]' })).toEqual(['x[1]']);
    expect(await allPages({ arch: 'aarch64', name: 'compute' })).toEqual(['compute']);
    expect(await allPages({ metadata: 'number=3' })).toEqual(['zeta']);
    const both = await list({ metadata: ['it\'s "quoted"=yes', 'number=1'] });
    expect(both.body.map((image) => image.metadata['number'])).toEqual(['1']);
    expect(await allPages({ metadata: "x' OR 1=1 --=y" })).toEqual([]);
  });

  it('refuses what it does not understand', async () => {
    for (const query of [{ cursor: 'nonsense' }, { limit: '0' }, { limit: '1001' }, { sort: 'size' }]) {
      expect((await list(query)).status, JSON.stringify(query)).toBe(422);
    }
  });
});
