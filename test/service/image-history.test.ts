/** What lies beside the artifacts of an image, and the record of a job, through everything that becomes of the two. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream } from 'node:stream/web';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import type { HistoryEntry, ImageHistory, Session } from '../../src/contract/history.ts';
import { ARTIFACT_MEDIA_TYPES, type Image } from '../../src/contract/images.ts';
import type { Bucket, ObjectStore } from '../../src/features/objects/store.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { die, mortal, newFuse } from '../support/mortal-store.ts';
import { openNouns } from '../support/nouns.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

const AT = '2026-01-01T00:00:00.000Z';
const PARENT = '2f3c0000-0000-4000-8000-000000000003';
const JOB = '9b0c0000-0000-4000-8000-000000000002';
const CAST = `${JSON.stringify({ version: 2, width: 80, height: 24, timestamp: 1 })}\n[0.5,"o","hello"]\n`;
const SESSION: Session = {
  from: '192.0.2.1:4000',
  key: 'SHA256:abc ops',
  started: AT,
  ended: AT,
  command: null,
  terminal: true,
  recording: 1,
};

let service: InProcessService;
let client: KilnClient;
beforeEach(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  client = clientOf(service);
});
afterEach(() => service.close());

function clientOf({ url }: InProcessService): KilnClient {
  return createClient({ baseUrl: url, fetch: checkedFetch });
}

function entryOf(image: Pick<Image, 'id' | 'name'>): HistoryEntry {
  return {
    ...{ image_id: image.id, image_name: image.name, parent_id: PARENT, parent_name: 'base', job_id: JOB },
    ...{
      created: AT,
      ran: [{ kind: 'command', name: 'harden.sh' }],
      sessions: [SESSION],
      sessions_left_out: 0,
    },
    packages: { installed: [{ name: 'hello', arch: 'amd64', version: '1' }], removed: [], updated: [] },
    ...{ added: 1, changed: 0, removed: 0 },
    paths: [{ change: 'added', path: '/etc/a', type: 'file', mode: '0644', uid: 0, gid: 0, sha256: 'abc' }],
    ...{ script: '#!/bin/sh\n', incomplete: null },
  };
}

async function put(bucket: Bucket, key: string, text: string, objects: ObjectStore = service.objects) {
  return objects.put({ bucket, key }, Readable.from([Buffer.from(text)]), {});
}

/** As a customize job would have published it. */
async function customized(name: string): Promise<{ image: Image; history: ImageHistory }> {
  const { id } = await client.images.create({ name });
  const rootfs = await put('boot-images', `${id}/rootfs`, `root of ${name}`);
  const link = { path: `s3://boot-images/${id}/rootfs`, type: 's3', etag: rootfs.etag };
  const artifacts = [{ type: ARTIFACT_MEDIA_TYPES.rootfs, link }];
  await put(
    'boot-images',
    `${id}/manifest.json`,
    JSON.stringify({ version: '1.0', created: 'now', artifacts }),
  );
  const history = { entries: [entryOf({ id, name }), entryOf({ id: PARENT, name: 'base' })] };
  await put('boot-images', `${id}/packages.json`, '[]');
  await put('boot-images', `${id}/history.json`, JSON.stringify(history));
  await put('boot-images', `${id}/recordings/1.cast`, CAST);
  const image = await client.images.update(id, {
    link: { path: `s3://boot-images/${id}/manifest.json`, type: 's3' },
  });
  return { image, history };
}

async function keysBelow(prefix: string, bucket: Bucket = 'boot-images'): Promise<string[]> {
  await service.settled();
  const keys: string[] = [];
  for await (const { key } of service.objects.list(bucket, prefix)) {
    keys.push(key);
  }
  return keys;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  );

describe('the history of an image', () => {
  it('is there with its recordings, and not where an image was made of no other', async () => {
    const { image, history } = await customized('edited');
    expect(await client.images.history(image.id)).toEqual(history);
    expect(await client.images.recording(image.id, 1)).toBe(CAST);
    const answer = await fetch(`${service.url}/kiln/v1/images/${image.id}/recordings/1`);
    expect(answer.headers.get('content-type')).toBe('application/x-asciicast');
    expect(await codeOf(client.images.recording(image.id, 2))).toBe('recording-not-found');
    expect(await codeOf(client.images.recording(PARENT, 1))).toBe('image-not-found');
    expect(await codeOf(client.images.history(PARENT))).toBe('image-not-found');
    const { id } = await client.images.create({ name: 'made elsewhere' });
    await expect(client.images.history(id)).rejects.toMatchObject({
      code: 'image-without-history',
      message: expect.stringContaining('was registered as it is'),
    });
    expect((await fetch(`${service.url}/kiln/v1/images/${image.id}/recordings/17`)).status).toBe(422);
  });

  it('goes with it when it is deleted, comes back with it, and is gone when it is', async () => {
    const { image, history } = await customized('edited');
    const before = await keysBelow('');
    await client.images.delete(image.id);
    expect(await keysBelow('')).toEqual(
      [...before.map((key) => `deleted/${key}`), `deleted/${image.id}/deleted_manifest.json`].sort(),
    );
    // What clients of the reference read names the artifacts alone.
    const list = await service.objects.get({
      bucket: 'boot-images',
      key: `deleted/${image.id}/deleted_manifest.json`,
    });
    expect((await buffer(list.data)).toString()).not.toMatch(/history|cast|packages/);

    await client.deleted.images.undelete(image.id);
    expect(await keysBelow('')).toEqual(before);
    expect(await client.images.history(image.id)).toEqual(history);

    await client.images.delete(image.id);
    await client.deleted.images.purge(image.id);
    expect(await keysBelow('')).toEqual([]);
  });

  it('is taken back from an image that was deleted before there were histories', async () => {
    const { image } = await customized('edited');
    await client.images.delete(image.id);
    await service.settled();
    // As earlier versions left it.
    for (const name of ['packages.json', 'history.json', 'recordings/1.cast']) {
      const from = { bucket: 'boot-images', key: `deleted/${image.id}/${name}` } as const;
      await service.objects.copy(from, { bucket: 'boot-images', key: `${image.id}/${name}` });
      await service.objects.delete(from);
    }
    await client.deleted.images.undelete(image.id);
    expect(await codeOf(client.images.history(image.id))).toBe('no error');
  });

  it('is gone with an image that is deleted for good on the wire of the reference', async () => {
    const { image } = await customized('edited');
    const gone = await fetch(`${service.url}/v2/images/${image.id}?cascade=true`, { method: 'DELETE' });
    expect(gone.status).toBe(204);
    expect(await keysBelow('')).toEqual([]);
  });

  it('is that of a copy, too', async () => {
    const { image, history } = await customized('edited');
    const copy = await client.images.copy(image.id, { name: 'copy' });
    await client.images.delete(image.id);
    await client.deleted.images.purge(image.id);
    const [first, ...others] = (await client.images.history(copy.id)).entries;
    expect(first).toEqual({ ...history.entries[0], image_id: copy.id });
    expect(others).toEqual(history.entries.slice(1));
    expect(await client.images.recording(copy.id, 1)).toBe(CAST);
    expect(await keysBelow(`${copy.id}/`)).toContain(`${copy.id}/packages.json`);
  });

  it('is in an export, of deleted images too', async () => {
    const { image, history } = await customized('edited');
    const { image: buried } = await customized('buried');
    await client.images.delete(buried.id);
    const { body } = await client.exchange.export();
    const archive = await buffer(Readable.fromWeb(body as ReadableStream));
    const there = await startInProcess({ openStore: openEmbeddedObjectStore });
    try {
      const other = clientOf(there);
      const data = Readable.toWeb(Readable.from([archive])) as ReadableStream;
      expect(await other.exchange.import(data, { mode: 'add', dryRun: false })).toMatchObject({
        problems: [],
      });
      expect(await other.images.history(image.id)).toEqual(history);
      await other.deleted.images.undelete(buried.id);
      expect(await other.images.recording(buried.id, 1)).toBe(CAST);
    } finally {
      await there.close();
    }
  });

  it('is whole whenever the service dies while it is moved', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kiln-history-'));
    try {
      const home = [
        'history.json',
        'initrd',
        'kernel',
        'manifest.json',
        'packages.json',
        'recordings/1.cast',
        'rootfs',
      ];
      for (let writes = 0; writes < 16; writes += 1) {
        const fuse = newFuse();
        const nouns = await openNouns(folder, (store) => mortal(store, fuse));
        const { id } = await nouns.makeImage('edited', {});
        for (const name of ['history.json', 'packages.json', 'recordings/1.cast']) {
          await nouns.put('boot-images', `${id}/${name}`, name);
        }
        fuse.left = writes;
        await nouns.features.deletedImages.bury(id).catch(() => undefined);
        await nouns.features.deletedImages.undelete(id).catch(() => undefined);
        await die(fuse);
        await nouns.close();

        const next = await openNouns(folder);
        await next.features.resume();
        const isBuried = (await next.records.deletedImages.find(id)) !== undefined;
        const keys = (await next.keys('boot-images')).filter((key) => !key.endsWith('deleted_manifest.json'));
        const where = isBuried ? `deleted/${id}/` : `${id}/`;
        expect(keys, `after ${writes} writes`).toEqual(home.map((name) => where + name));
        if (!isBuried) {
          await next.features.deletedImages.bury(id);
        }
        await next.features.deletedImages.purge(id);
        expect(await next.keys('boot-images')).toEqual([]);
        await next.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('the record of a job', () => {
  async function failedJob(): Promise<string> {
    const { image } = await customized('parent');
    const { id: public_key_id } = await client.publicKeys.create({
      name: 'key',
      public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPh5dU/8hPnOMUE9VMhmxGnzyYjKTXPqWbBIKuJM9wJD a\n',
    });
    const job = await client.jobs.create({
      ...{ job_type: 'customize', artifact_id: image.id, image_root_archive_name: 'edited', public_key_id },
    });
    await put(
      'ims',
      `jobs/${job.id}/recordings/sessions.json`,
      JSON.stringify({ sessions: [SESSION], sessions_left_out: 2 }),
    );
    await put('ims', `jobs/${job.id}/recordings/1.cast`, CAST);
    await client.jobs.cancel(job.id);
    return job.id;
  }

  it('is there after a job that made no image, until the job is deleted', async () => {
    const id = await failedJob();
    expect(await client.jobs.recordings(id)).toEqual({ sessions: [SESSION], sessions_left_out: 2 });
    expect(await client.jobs.recording(id, 1)).toBe(CAST);
    expect(await codeOf(client.jobs.recording(id, 2))).toBe('recording-not-found');
    expect(await codeOf(client.jobs.recordings(JOB))).toBe('job-not-found');
    await client.jobs.delete(id);
    expect(await codeOf(client.jobs.recording(id, 1))).toBe('job-not-found');
    expect(await keysBelow('', 'ims')).toEqual([]);
  });

  it('is gone with a job that is deleted on the wire of the reference', async () => {
    const id = await failedJob();
    expect((await fetch(`${service.url}/v3/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await keysBelow('', 'ims')).toEqual([]);
  });

  it('is empty where nobody was', async () => {
    const { image } = await customized('parent');
    const job = await client.jobs.create({
      job_type: 'customize',
      artifact_id: image.id,
      image_root_archive_name: 'edited',
      changes: [{ kind: 'command', command: 'true' }],
    });
    expect(await client.jobs.recordings(job.id)).toEqual({ sessions: [], sessions_left_out: 0 });
  });
});
