/** The deleted collections: sections 1.5 to 1.7 of the contract, and the rows of section 8 about them. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../../../src/platform/wait.ts';
import { fieldsOf, type Record_, type WireClient } from './client.ts';
import { PUBLIC_KEY, RECIPE, uploadImage, uploadManifest, uploadRecipe } from './fixtures.ts';

const UNDELETE = { operation: 'undelete' };

export function deletedContract(client: () => WireClient): void {
  describe.each([
    ['images', { name: 'an image', metadata: { a: 'b' }, arch: 'aarch64' }],
    [
      'recipes',
      { ...RECIPE, template_dictionary: [{ key: 'a', value: 'b' }], arch: 'aarch64', require_dkms: false },
    ],
    ['public-keys', PUBLIC_KEY],
  ])('deleted %s', (noun, body) => {
    const active = `/v3/${noun}`;
    const deleted = `/v3/deleted/${noun}`;
    const bury = async (): Promise<Record_> => {
      const record = await client().make(active, body);
      expect((await client().delete(`${active}/${record.id}`)).status).toBe(204);
      return record;
    };

    test('GET one and all: the record with the time of its deletion', async () => {
      const records = [await bury(), await bury()];
      const listed = await client().list(deleted);
      expect(listed).toMatchObject(records);
      expect((await client().get(`${deleted}/${records[0]?.id}`)).json).toEqual(listed[0]);
      expect(Date.parse(`${listed[0]?.['deleted']}Z`)).toBeGreaterThanOrEqual(
        Date.parse(`${listed[0]?.['created']}Z`),
      );
      expect((await client().get(`${deleted}/${randomUUID()}`)).status).toBe(404);
      expect((await client().get(`${active}/${records[0]?.id}`)).status).toBe(404);
    });

    test('PATCH one and all take back, and nothing is lost on the way', async () => {
      const records = [await bury(), await bury(), await bury()];
      expect((await client().patch(`${deleted}/${records[1]?.id}`, UNDELETE)).status).toBe(204);
      expect(await client().list(active)).toEqual([records[1]]);
      expect((await client().patch(`${deleted}/${records[1]?.id}`, UNDELETE)).status).toBe(404);
      expect((await client().patch(deleted, UNDELETE)).status).toBe(204);
      expect(await client().list(deleted)).toEqual([]);
      expect(await client().list(active)).toHaveLength(3);
      expect(await client().list(active)).toEqual(expect.arrayContaining(records));
      expect((await client().patch(deleted, UNDELETE)).status).toBe(204);
    });

    test('DELETE one and all are for good', async () => {
      const records = [await bury(), await bury(), await bury()];
      expect((await client().delete(`${deleted}/${records[1]?.id}`)).status).toBe(204);
      expect((await client().delete(`${deleted}/${records[1]?.id}`)).status).toBe(404);
      expect(await client().list(deleted)).toHaveLength(2);
      expect((await client().delete(deleted)).status).toBe(204);
      expect(await client().list(deleted)).toEqual([]);
      expect(await client().list(active)).toEqual([]);
      expect((await client().delete(deleted)).status).toBe(204);
    });

    test('PATCH takes one operation and nothing else', async () => {
      const { id } = await bury();
      for (const url of [deleted, `${deleted}/${id}`]) {
        expect((await client().patch(url, {})).status).toBe(400);
        for (const [body, field] of [
          [{ operation: 'Undelete' }, 'operation'],
          [{ operation: null }, 'operation'],
          [{ operation: 'undelete', more: 1 }, 'more'],
          [{ id: 'x', operation: 'undelete' }, 'id'],
        ] as const) {
          const answer = await client().patch(url, body);
          expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
        }
      }
      expect((await client().patch(`${deleted}/${randomUUID()}`, {})).status).toBe(404);
      expect(await client().list(deleted)).toHaveLength(1);
    });

    test('they are under v3 alone', async () => {
      const { id } = await bury();
      for (const base of ['', '/v2']) {
        expect((await client().get(`${base}/deleted/${noun}`)).status).toBe(404);
        expect((await client().get(`${base}/deleted/${noun}/${id}`)).status).toBe(404);
      }
      expect(await client().list(`/apis/ims${deleted}`)).toHaveLength(1);
    });
  });

  describe('objects of a deleted image', () => {
    const deletedPath = (path: string) => path.replace('s3://boot-images/', 's3://boot-images/deleted/');
    /** Waits until the image’s objects have moved aside. */
    const moved = (path: string) =>
      waitFor(async () => ((await client().has(path)) ? undefined : true), {
        timeoutMs: 60_000,
        describe: () => `${path} to be moved`,
      });

    test('move below deleted/ with their metadata, listed in a manifest of their own', async () => {
      const { link, paths } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'a', link });
      const before = await Promise.all(paths.map((path) => client().metadataOf(path)));
      expect((await client().delete(`/v3/images/${image.id}`)).status).toBe(204);
      await moved(link.path);
      const deleted = (await client().get(`/v3/deleted/images/${image.id}`)).json as Record_;
      const path = `s3://boot-images/deleted/${image.id}/deleted_manifest.json`;
      expect(deleted['link']).toEqual({ path, type: 's3', etag: '' });
      const manifest = JSON.parse(await client().read(path));
      expect(manifest.version).toBe('1.0');
      expect(manifest.created).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
      expect(manifest.artifacts.map((each: { link: { path: string } }) => each.link.path)).toEqual(
        [...paths, link.path].map(deletedPath),
      );
      const own = manifest.artifacts.at(-1);
      expect(own.type).toBe('application/vnd.cray.image.manifest');
      expect(own).not.toHaveProperty('md5');
      for (const [index, each] of paths.entries()) {
        expect(await client().has(each)).toBe(false);
        expect(await client().metadataOf(deletedPath(each))).toEqual(before[index]);
      }
    });

    test('come back to where they were, and the deleted manifest goes', async () => {
      const { link, paths } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'a', link });
      await client().delete(`/v3/images/${image.id}`);
      expect((await client().patch(`/v3/deleted/images/${image.id}`, UNDELETE)).status).toBe(204);
      const back = (await client().get(`/v3/images/${image.id}`)).json as Record_;
      expect(back).toMatchObject({ ...image, link: { path: link.path, type: 's3' } });
      for (const path of [link.path, ...paths]) {
        expect([path, await client().has(path), await client().has(deletedPath(path))]).toEqual([
          path,
          true,
          false,
        ]);
      }
      await moved(`s3://boot-images/deleted/${image.id}/deleted_manifest.json`);
      const { etag } = back['link'] as { etag: string };
      expect((await client().patch(`/v3/images/${image.id}`, { link: { ...link, etag } })).status).toBe(200);
    });

    test('are gone after a purge, under the image and under deleted/', async () => {
      const { link, paths } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'a', link });
      await client().delete(`/v3/images/${image.id}`);
      expect((await client().delete(`/v3/deleted/images/${image.id}`)).status).toBe(204);
      for (const path of [link.path, ...paths]) {
        expect([path, await client().has(path), await client().has(deletedPath(path))]).toEqual([
          path,
          false,
          false,
        ]);
      }
      expect(await client().has(`s3://boot-images/deleted/${image.id}/deleted_manifest.json`)).toBe(false);
    });

    test('a manifest that is gone is no obstacle; the link stays, and what is left can be purged', async () => {
      const { link } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'a', link });
      await client().lose(link.path);
      expect((await client().delete(`/v3/images/${image.id}`)).status).toBe(204);
      expect((await client().get(`/v3/deleted/images/${image.id}`)).json).toMatchObject({ link });
      expect((await client().delete(`/v3/deleted/images/${image.id}`)).status).toBe(204);
      expect((await client().get(`/v3/deleted/images/${image.id}`)).status).toBe(404);
    });

    test('an artifact that is gone is no obstacle, to deleting or to taking back', async () => {
      const { link, paths } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'a', link });
      const [rootfs = '', kernel = ''] = paths;
      await client().lose(kernel);
      expect((await client().delete(`/v3/images/${image.id}`)).status).toBe(204);
      expect((await client().patch(`/v3/deleted/images/${image.id}`, UNDELETE)).status).toBe(204);
      expect([await client().has(rootfs), await client().has(kernel)]).toEqual([true, false]);
    });

    test('an unreadable deleted manifest is a 422 on every verb, and the record stays', async () => {
      const { link } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'a', link });
      await client().delete(`/v3/images/${image.id}`);
      await moved(link.path);
      await client().put(`s3://boot-images/deleted/${image.id}/deleted_manifest.json`, '{');
      const url = `/v3/deleted/images/${image.id}`;
      expect((await client().patch(url, UNDELETE)).status).toBe(422);
      expect((await client().delete(url)).status).toBe(422);
      expect((await client().patch('/v3/deleted/images', UNDELETE)).status).toBe(422);
      expect((await client().get(url)).status).toBe(200);
    });

    test('one that fails keeps no other from being taken back', async () => {
      const broken = await uploadImage(client());
      const whole = await uploadImage(client());
      const first = await client().make('/v3/images', { name: 'broken', link: broken.link });
      const second = await client().make('/v3/images', { name: 'whole', link: whole.link });
      expect((await client().delete('/v3/images')).status).toBe(204);
      await moved(broken.link.path);
      await moved(whole.link.path);
      await client().put(`s3://boot-images/deleted/${first.id}/deleted_manifest.json`, '{');
      expect((await client().patch('/v3/deleted/images', UNDELETE)).status).toBe(422);
      expect((await client().list('/v3/images')).map(({ id }) => id)).toEqual([second.id]);
      expect((await client().list('/v3/deleted/images')).map(({ id }) => id)).toEqual([first.id]);
    });

    test('a manifest without artifacts: undelete is refused', async () => {
      const link = await uploadManifest(client(), {});
      const image = await client().make('/v3/images', { name: 'a', link });
      expect((await client().delete(`/v3/images/${image.id}`)).status).toBe(204);
      await moved(link.path);
      await client().put(`s3://boot-images/deleted/${image.id}/deleted_manifest.json`, '{"version":"1.0"}');
      expect((await client().patch(`/v3/deleted/images/${image.id}`, UNDELETE)).status).toBe(422);
      expect((await client().get(`/v3/deleted/images/${image.id}`)).status).toBe(200);
    });
  });

  describe('the archive of a deleted recipe', () => {
    const deletedPath = (path: string) => path.replace('s3://ims/', 's3://ims/deleted/');

    test('moves aside and back, with its metadata', async () => {
      const link = await uploadRecipe(client());
      const recipe = await client().make('/v3/recipes', { ...RECIPE, link });
      const metadata = await client().metadataOf(link.path);
      await client().delete(`/v3/recipes/${recipe.id}`);
      const deleted = (await client().get(`/v3/deleted/recipes/${recipe.id}`)).json as Record_;
      expect(deleted['link']).toMatchObject({ path: deletedPath(link.path), type: 's3' });
      expect([await client().has(link.path), await client().has(deletedPath(link.path))]).toEqual([
        false,
        true,
      ]);
      expect((await client().patch(`/v3/deleted/recipes/${recipe.id}`, UNDELETE)).status).toBe(204);
      expect((await client().get(`/v3/recipes/${recipe.id}`)).json).toMatchObject({
        ...recipe,
        link: { path: link.path },
      });
      expect([await client().has(link.path), await client().has(deletedPath(link.path))]).toEqual([
        true,
        false,
      ]);
      expect(await client().metadataOf(link.path)).toEqual(metadata);
    });

    test('goes with a purge', async () => {
      const link = await uploadRecipe(client());
      const recipe = await client().make('/v3/recipes', { ...RECIPE, link });
      await client().delete(`/v3/recipes/${recipe.id}`);
      expect((await client().delete(`/v3/deleted/recipes/${recipe.id}`)).status).toBe(204);
      expect([await client().has(link.path), await client().has(deletedPath(link.path))]).toEqual([
        false,
        false,
      ]);
    });
  });
}
