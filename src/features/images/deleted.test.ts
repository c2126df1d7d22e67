import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Nouns, openNouns } from '../../../test/support/nouns.ts';
import { KilnError } from '../../contract/errors.ts';

let folder: string;
let nouns: Nouns;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-deleted-'));
  nouns = await openNouns(folder);
});
afterEach(async () => {
  await nouns.close();
  await rm(folder, { recursive: true, force: true });
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof KilnError ? error.code : String(error)),
  );

describe('a deleted image', () => {
  it('is gone from the active images, and has all its objects below deleted/', async () => {
    const image = await nouns.makeImage('compute', { metadata: { site: 'north' }, arch: 'aarch64' });
    const before = await nouns.keys('boot-images');

    await nouns.features.deletedImages.bury(image.id);
    await nouns.features.resume();

    expect(await codeOf(nouns.features.images.get(image.id))).toBe('image-not-found');
    const deleted = await nouns.features.deletedImages.get(image.id);
    expect(deleted).toMatchObject({
      id: image.id,
      created: image.created,
      arch: 'aarch64',
      metadata: { site: 'north' },
    });
    expect(deleted.link).toEqual({
      path: `s3://boot-images/deleted/${image.id}/deleted_manifest.json`,
      type: 's3',
      etag: '',
    });
    expect(await nouns.keys('boot-images')).toEqual(
      [...before.map((key) => `deleted/${key}`), `deleted/${image.id}/deleted_manifest.json`].sort(),
    );
  });

  it('is listed with every artifact, those without a digest too, and with its manifest', async () => {
    const image = await nouns.makeImage('compute', { digests: false });

    await nouns.features.deletedImages.bury(image.id);

    const list = JSON.parse(await nouns.text(`deleted/${image.id}/deleted_manifest.json`));
    expect(list.version).toBe('1.0');
    expect(list.created).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(list.artifacts.map((each: { link: { path: string } }) => each.link.path)).toEqual(
      ['rootfs', 'kernel', 'initrd', 'manifest.json'].map(
        (name) => `s3://boot-images/deleted/${image.id}/${name}`,
      ),
    );
    expect(list.artifacts.at(-1).type).toBe('application/vnd.cray.image.manifest');
    expect(list.artifacts.every((each: { link: { etag: string } }) => each.link.etag !== '')).toBe(true);
  });

  it('can be taken back: same record, same link, objects at home, nothing left below deleted/', async () => {
    const image = await nouns.makeImage('compute', { metadata: { site: 'north' } });
    const before = await nouns.keys('boot-images');
    await nouns.features.deletedImages.bury(image.id);

    const restored = await nouns.features.deletedImages.undelete(image.id);

    expect(restored).toEqual(image);
    expect(await nouns.keys('boot-images')).toEqual(before);
    expect(await codeOf(nouns.features.deletedImages.get(image.id))).toBe('image-not-found');
    const rootfs = await nouns.objects.head({ bucket: 'boot-images', key: `${image.id}/rootfs` });
    expect(rootfs?.metadata).toEqual({ md5sum: rootfs?.md5 });
  });

  it('can be purged: nothing of it stays anywhere', async () => {
    const image = await nouns.makeImage('compute', {});
    const other = await nouns.makeImage('other', {});
    await nouns.features.deletedImages.bury(image.id);

    await nouns.features.deletedImages.purge(image.id);

    expect((await nouns.keys('boot-images')).filter((key) => !key.startsWith(`${other.id}/`))).toEqual([]);
    expect(await codeOf(nouns.features.deletedImages.purge(image.id))).toBe('image-not-found');
    expect(await nouns.features.images.get(other.id)).toEqual(other);
  });

  it('keeps its link when its manifest is gone, and cannot be taken back then', async () => {
    const image = await nouns.makeImage('compute', {});
    await nouns.objects.delete({ bucket: 'boot-images', key: `${image.id}/manifest.json` });

    await nouns.features.deletedImages.bury(image.id);

    expect((await nouns.features.deletedImages.get(image.id)).link).toEqual(image.link);
    expect(await codeOf(nouns.features.deletedImages.undelete(image.id))).toBe('manifest-invalid');
    await nouns.features.deletedImages.purge(image.id);
    expect(await nouns.keys('boot-images')).toEqual([]);
  });

  it.each([
    ['is no JSON', 'nonsense'],
    ['is not UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
    ['is no object', '[]'],
    ['is too large', `{"a":"${'x'.repeat(1024 * 1024)}"}`],
  ])('is refused when its manifest %s, and stays as it was', async (_what, text) => {
    const image = await nouns.makeImage('compute', {});
    await nouns.put('boot-images', `${image.id}/manifest.json`, text);
    const before = await nouns.keys('boot-images');

    expect(await codeOf(nouns.features.deletedImages.bury(image.id))).toBe('manifest-invalid');

    expect(await nouns.features.images.get(image.id)).toEqual(image);
    expect(await nouns.keys('boot-images')).toEqual(before);
    await nouns.features.deletedImages.hardDelete(image.id, { cascade: false });
    expect(await codeOf(nouns.features.images.get(image.id))).toBe('image-not-found');
  });

  it('without a manifest is only a record', async () => {
    const image = await nouns.features.images.create({ name: 'empty' });

    await nouns.features.deletedImages.bury(image.id);
    expect(await nouns.features.deletedImages.undelete(image.id)).toEqual(image);
  });
});

describe('deleting an image for good', () => {
  it('takes manifest and artifacts with it when it cascades, and leaves them when it does not', async () => {
    const first = await nouns.makeImage('first', {});
    const second = await nouns.makeImage('second', {});

    await nouns.features.deletedImages.hardDelete(first.id, { cascade: true });
    await nouns.features.deletedImages.hardDelete(second.id, { cascade: false });

    const keys = await nouns.keys('boot-images');
    expect(keys.filter((key) => key.startsWith(first.id))).toEqual([]);
    expect(keys.filter((key) => key.startsWith(second.id))).toHaveLength(4);
    expect(await nouns.features.images.list()).toEqual([]);
    expect(await nouns.features.deletedImages.list()).toEqual([]);
  });
});

describe('requests for one image', () => {
  it('do not interleave: of many deletions one succeeds, and what follows sees a whole image', async () => {
    const image = await nouns.makeImage('compute', {});
    const { deletedImages } = nouns.features;

    const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(deletedImages.bury(image.id))));
    const restored = await Promise.all([1, 2].map(() => codeOf(deletedImages.undelete(image.id))));

    expect(codes.sort()).toEqual(['image-not-found', 'image-not-found', 'image-not-found', 'no error']);
    expect(restored.sort()).toEqual(['image-not-found', 'no error']);
    expect(await nouns.features.images.get(image.id)).toEqual(image);
  });
});
