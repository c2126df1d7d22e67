/** Images that come from elsewhere: uploaded and published, or copied. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream } from 'node:stream/web';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import type { UploadName } from '../../src/contract/images.ts';
import type { ObjectStore } from '../../src/features/objects/store.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let service: InProcessService;
let client: KilnClient;
/** Objects whose key ends so cannot be copied. */
let broken: string | undefined;
beforeEach(async () => {
  broken = undefined;
  service = await startInProcess({
    openStore: async (options): Promise<ObjectStore> => {
      const store = await openEmbeddedObjectStore(options);
      const copy: ObjectStore['copy'] = async (from, to) => {
        if (broken !== undefined && from.key.endsWith(broken)) {
          throw new Error('the disk is broken');
        }
        return await store.copy(from, to);
      };
      return new Proxy(store, {
        get: (target, name) => {
          const value = name === 'copy' ? copy : Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  });
  client = createClient({ baseUrl: service.url, fetch: checkedFetch });
});
afterEach(() => service.close());

const stream = (text: string) => Readable.toWeb(Readable.from([Buffer.from(text)])) as ReadableStream;

async function published(artifacts: Partial<Record<UploadName, string>>) {
  const { id } = await client.images.create({ name: 'made elsewhere', metadata: { colour: 'red' } });
  for (const [name, text] of Object.entries(artifacts)) {
    await client.images.uploadArtifact(id, name as UploadName, stream(text));
  }
  return await client.images.publish(id);
}

async function keysBelow(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of service.objects.list('boot-images', prefix)) {
    keys.push(key);
  }
  return keys;
}

describe('artifacts that are uploaded', () => {
  it('become an image when they are published', async () => {
    const image = await published({ rootfs: 'a root', kernel: 'a kernel', debug_kernel: 'another' });
    const artifacts = await client.images.artifacts(image.id);
    expect(artifacts.map(({ type, size_bytes }) => [type.split('.').slice(3).join('.'), size_bytes])).toEqual(
      [
        ['rootfs.squashfs', 6],
        ['kernel', 8],
        ['debug.kernel', 7],
      ],
    );
    const wire = await fetch(`${service.url}/v3/images/${image.id}`);
    expect(await wire.json()).toMatchObject({ link: { path: `s3://boot-images/${image.id}/manifest.json` } });
  });

  it('are refused with another checksum than was announced', async () => {
    const { id } = await client.images.create({ name: 'x' });
    const wrong = client.images.uploadArtifact(id, 'rootfs', stream('a root'), { md5: '0'.repeat(32) });
    await expect(wrong).rejects.toMatchObject({ code: 'checksum-mismatch' });
    const md5 = createHash('md5').update('a root').digest('hex');
    await expect(
      client.images.uploadArtifact(id, 'rootfs', stream('a root'), { md5 }),
    ).resolves.toMatchObject({ md5 });
  });

  it('are no image without a root file system', async () => {
    await expect(published({ kernel: 'a kernel' })).rejects.toMatchObject({ code: 'artifacts-missing' });
  });

  it('do not change an image that is published', async () => {
    const { id } = await published({ rootfs: 'a root' });
    const late = client.images.uploadArtifact(id, 'rootfs', stream('another'));
    await expect(late).rejects.toMatchObject({ code: 'link-is-set' });
    await expect(client.images.publish(id)).rejects.toMatchObject({ code: 'link-is-set' });
  });

  it('go with an image that is deleted for good before it was published', async () => {
    const { id } = await client.images.create({ name: 'x' });
    await client.images.uploadArtifact(id, 'rootfs', stream('a root'));
    await client.images.delete(id);
    await client.deleted.images.purge(id);
    expect(await keysBelow(id)).toEqual([]);
  });
});

describe('a copy', () => {
  it('is an image of its own, which outlives the original', async () => {
    const original = await published({ rootfs: 'a root', kernel: 'a kernel' });
    const copy = await client.images.copy(original.id, { name: 'copy' });
    expect(copy).toMatchObject({ name: 'copy', metadata: { colour: 'red' }, arch: original.arch });
    expect(copy.id).not.toBe(original.id);
    await client.images.delete(original.id);
    await client.deleted.images.purge(original.id);
    const [rootfs] = await client.images.artifacts(copy.id);
    const { data } = await service.objects.get({ bucket: 'boot-images', key: `${copy.id}/rootfs` });
    expect([rootfs?.path, (await buffer(data)).toString()]).toEqual([
      `s3://boot-images/${copy.id}/rootfs`,
      'a root',
    ]);
  });

  it('takes metadata of its own', async () => {
    const original = await published({ rootfs: 'a root' });
    const copy = await client.images.copy(original.id, { name: 'copy', metadata: { colour: 'blue' } });
    expect(copy.metadata).toEqual({ colour: 'blue' });
  });

  it('leaves nothing when it fails on its way', async () => {
    const original = await published({ rootfs: 'a root', kernel: 'a kernel' });
    broken = '/kernel';
    await expect(client.images.copy(original.id, { name: 'copy' })).rejects.toThrow();
    expect((await client.images.list()).map(({ id }) => id)).toEqual([original.id]);
    expect((await keysBelow('')).every((key) => key.startsWith(original.id))).toBe(true);
  });

  it('needs an image that has something', async () => {
    const { id } = await client.images.create({ name: 'empty' });
    await expect(client.images.copy(id, { name: 'copy' })).rejects.toMatchObject({
      code: 'artifacts-missing',
    });
  });
});
