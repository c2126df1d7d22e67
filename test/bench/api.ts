/**
 * `npm run bench -- api`: the requests of real clients against the built service, with 10, 1,000 and 50,000 images.
 *
 * The alternative beside it is how the reference keeps its records: one JSON file per noun, read into memory, written
 * anew as a whole, and flushed, with every change.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { openSqliteRecords } from '../../src/adapters/records/sqlite/index.ts';
import { ARTIFACT_MEDIA_TYPES, type Image } from '../../src/contract/images.ts';
import { formatBytes, GIB, MIB } from '../../src/platform/bytes.ts';
import { peakMemoryBytes, startService, type TestService } from '../support/kiln.ts';
import { type Load, load } from './load.ts';

const COUNTS = [10, 1000, 50_000];
const SECONDS = 6;
const CONNECTIONS = 16;
const LIST_OF = 5000;

export async function benchApi(): Promise<void> {
  for (const count of COUNTS) {
    const { service, ids } = await serviceWith(count);
    try {
      console.log(`\n${count} images`);
      await requests(service, ids);
      console.log(
        `  peak memory of the service: ${formatBytes(await peakMemoryBytes(service.pid))} (goal: under 250 MiB)`,
      );
    } finally {
      await service.close();
    }
    console.log(`  ${line('one JSON file, written whole per change', await jsonFile(count))}`);
  }
  await wholeList();
  await largeDelete();
}

async function requests({ url }: TestService, ids: readonly string[]): Promise<void> {
  const anyId = () => ids[Math.floor(Math.random() * ids.length)] ?? '';
  const one = { connections: 1, seconds: SECONDS };
  const many = { connections: CONNECTIONS, seconds: SECONDS };
  const get = await load(url, () => ({ method: 'GET', path: `/v3/images/${anyId()}` }), many);
  console.log(`  ${line('GET /v3/images/ID', get)} (goal: 3,000/s, p99 under 20 ms)`);
  const list = await load(url, () => ({ method: 'GET', path: '/v3/images' }), one);
  console.log(`  ${line('GET /v3/images, whole', list)}`);
  const page = await load(url, () => ({ method: 'GET', path: '/kiln/v1/images?limit=50' }), many);
  console.log(`  ${line('GET /kiln/v1/images?limit=50', page)}`);
  const recipe = { recipe_type: 'kiwi-ng', linux_distribution: 'sles15' };
  const post = await load(
    url,
    (index) => ({ method: 'POST', path: '/v3/recipes', body: { ...recipe, name: `bench-${index}` } }),
    many,
  );
  console.log(`  ${line('POST /v3/recipes', post)}`);
  const patch = await load(
    url,
    (index) => ({
      method: 'PATCH',
      path: `/v3/images/${anyId()}`,
      body: { metadata: { operation: 'set', key: 'bench', value: String(index) } },
    }),
    many,
  );
  console.log(`  ${line('PATCH /v3/images/ID metadata', patch)}`);
}

/** A service whose records were there before it started. */
async function serviceWith(count: number): Promise<{ service: TestService; ids: string[] }> {
  const service = await startService();
  await service.kill();
  const records = await openSqliteRecords({ file: join(service.state, 'records', 'kiln.sqlite') });
  const images = Array.from({ length: count }, (_, index) => imageNumber(index));
  await records.transaction(async (inside) => {
    for (const image of images) {
      await inside.images.insert(image);
    }
  });
  await records.close();
  await service.restart();
  return { service, ids: images.map(({ id }) => id) };
}

function imageNumber(index: number): Image {
  const id = randomUUID();
  return {
    id,
    created: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
    name: `compute-${index}`,
    arch: 'x86_64',
    metadata: { project: `project-${index % 7}` },
    link: { type: 's3', path: `s3://boot-images/${id}/manifest.json`, etag: '0'.repeat(32) },
    job_id: null,
  };
}

/** Time per change, one after the other as the reference has to. */
async function jsonFile(count: number): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-json-'));
  try {
    const records = Object.fromEntries(
      Array.from({ length: count }, (_, index) => imageNumber(index)).map((image) => [image.id, image]),
    );
    const ids = Object.keys(records);
    const times: number[] = [];
    const started = performance.now();
    while (performance.now() - started < SECONDS * 1000) {
      const begun = performance.now();
      const image = records[ids[times.length % ids.length] ?? ''];
      if (image !== undefined) {
        image.metadata = { bench: String(times.length) };
      }
      const file = await open(join(folder, 'new'), 'w');
      await file.writeFile(JSON.stringify(records));
      await file.sync();
      await file.close();
      await rename(join(folder, 'new'), join(folder, 'records.json'));
      times.push(performance.now() - begun);
    }
    const perSecond = times.length / ((performance.now() - started) / 1000);
    times.sort((one, other) => one - other);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
    return { requests: times.length, perSecond, p50: at(0.5), p99: at(0.99) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function wholeList(): Promise<void> {
  const { service } = await serviceWith(LIST_OF);
  try {
    const list = await load(service.url, () => ({ method: 'GET', path: '/v3/images' }), {
      connections: 1,
      seconds: SECONDS,
    });
    console.log(`\n${line(`whole list of ${LIST_OF} images`, list)} (goal: under 100 ms)`);
  } finally {
    await service.close();
  }
}

/** Soft delete of an image with a root of 5 GB, while others ask. */
async function largeDelete(): Promise<void> {
  const { service, ids } = await serviceWith(1000);
  try {
    const id = await largeImage(service);
    const quiet = await getsWhile(service, ids, undefined);
    let answered = 0;
    const deletion = (async () => {
      const started = performance.now();
      const response = await fetch(`${service.url}/v3/images/${id}`, { method: 'DELETE' });
      answered = performance.now() - started;
      if (response.status !== 204) {
        throw new Error(`DELETE: ${response.status}`);
      }
    })();
    const busy = await getsWhile(service, ids, deletion);
    await deletion;
    console.log(
      `\nsoft delete of an image with a root of 5 GB: ${answered.toFixed(0)} ms (goal: under 200 ms)`,
    );
    console.log(`  ${line('GET /v3/images/ID meanwhile', busy)}`);
    console.log(`  ${line('GET /v3/images/ID otherwise', quiet)}`);
  } finally {
    await service.close();
  }
}

async function getsWhile({ url }: TestService, ids: readonly string[], until: Promise<unknown> | undefined) {
  return await load(url, (index) => ({ method: 'GET', path: `/v3/images/${ids[index % ids.length]}` }), {
    connections: CONNECTIONS,
    seconds: SECONDS,
    ...(until && { until }),
  });
}

async function largeImage(service: TestService): Promise<string> {
  await service.kill();
  const store = await openEmbeddedObjectStore({
    folder: join(service.state, 'objects'),
    signingKey: Buffer.alloc(32),
    baseUrl: () => '',
  });
  const id = randomUUID();
  const address = (name: string) => ({ bucket: 'boot-images' as const, key: `${id}/${name}` });
  const zeros = Buffer.alloc(4 * MIB);
  const rootfs = await store.put(
    address('rootfs'),
    Readable.from(
      Array.from({ length: (5 * GIB) / zeros.length }, () => zeros),
      { objectMode: false },
    ),
  );
  const path = `s3://boot-images/${id}/rootfs`;
  const manifest = {
    version: '1.0',
    created: '2026-01-01 00:00:00.000000',
    artifacts: [
      { type: ARTIFACT_MEDIA_TYPES.rootfs, md5: rootfs.md5, link: { type: 's3', path, etag: rootfs.etag } },
    ],
  };
  const { etag } = await store.put(
    address('manifest.json'),
    Readable.from([Buffer.from(JSON.stringify(manifest))]),
  );
  const records = await openSqliteRecords({ file: join(service.state, 'records', 'kiln.sqlite') });
  const link = { type: 's3' as const, path: `s3://boot-images/${id}/manifest.json`, etag };
  await records.images.insert({ ...imageNumber(0), id, link });
  await records.close();
  await service.restart();
  return id;
}

function line(name: string, { perSecond, p50, p99 }: Load): string {
  return `${name.padEnd(42)} ${perSecond.toFixed(0).padStart(6)}/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms`;
}
