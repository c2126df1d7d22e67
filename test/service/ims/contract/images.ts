/** Images: section 1.5 of the contract, and the rows of section 8 about them. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fieldsOf, type WireClient } from './client.ts';
import { KERNEL, ROOTFS, uploadImage, uploadManifest } from './fixtures.ts';

export function imageContract(client: () => WireClient): void {
  describe.each(['/v3', '/v2', '', '/apis/ims/v3', '/apis/ims/v2', '/apis/ims'])('images at %s', (base) => {
    const at = (path: string) => `${base}${path}`;
    const isHard = !base.endsWith('/v3');

    test('POST with link, null and none; GET one and all give every field back', async () => {
      const { link } = await uploadImage(client());
      const full = { name: 'full', link, arch: 'aarch64', metadata: { key: 'k', value: 'v' } };
      const made = [
        await client().make(at('/images'), full),
        await client().make(at('/images'), { name: 'null', link: null }),
        await client().make(at('/images'), { name: 'omitted' }),
      ];
      expect(made).toMatchObject([
        { name: 'full', link, arch: 'aarch64', metadata: { k: 'v' } },
        { name: 'null', link: null, arch: 'x86_64', metadata: {} },
        { name: 'omitted', link: null, arch: 'x86_64', metadata: {} },
      ]);
      for (const image of made) {
        expect((await client().get(at(`/images/${image.id}`))).json).toEqual(image);
      }
      expect(await client().list(at('/images?name=ignored'))).toEqual(made);
    });

    test('an id that is unknown, upper case or malformed is a 404', async () => {
      const { id } = await client().make(at('/images'), { name: 'a' });
      for (const other of [randomUUID(), id.toUpperCase(), 'x', '%2e']) {
        expect((await client().get(at(`/images/${other}`))).status).toBe(404);
        expect((await client().patch(at(`/images/${other}`), { arch: 'x86_64' })).status).toBe(404);
        expect((await client().delete(at(`/images/${other}`))).status).toBe(404);
      }
      expect(await client().list(at('/images'))).toHaveLength(1);
    });

    test('PATCH sets a link once: the same again is 200, any other 409', async () => {
      const { link } = await uploadImage(client());
      const other = await uploadImage(client());
      const { id } = await client().make(at('/images'), { name: 'a' });
      const url = at(`/images/${id}`);
      expect((await client().patch(url, { link })).json).toMatchObject({ id, link });
      expect((await client().patch(url, { link })).status).toBe(200);
      expect((await client().patch(url, { link: other.link })).status).toBe(409);
      expect((await client().patch(url, { link: { ...link, etag: 'other' } })).status).toBe(409);
      expect((await client().get(url)).json).toMatchObject({ link });
    });

    test('PATCH arch there and back changes nothing else', async () => {
      const image = await client().make(at('/images'), { name: 'a', metadata: { a: 'b' } });
      const url = at(`/images/${image.id}`);
      expect((await client().patch(url, { arch: 'aarch64' })).json).toEqual({ ...image, arch: 'aarch64' });
      expect((await client().patch(url, { arch: 'x86_64' })).json).toEqual(image);
    });

    test('PATCH metadata: set two, overwrite, remove, remove what is absent', async () => {
      const { id } = await client().make(at('/images'), { name: 'a' });
      const change = async (metadata: object) => {
        const answer = await client().patch(at(`/images/${id}`), { metadata });
        expect(answer.status, answer.text).toBe(200);
        return (answer.json as { metadata: object }).metadata;
      };
      expect(await change({ operation: 'set', key: 'a', value: '1' })).toEqual({ a: '1' });
      expect(await change({ operation: 'set', key: 'b' })).toEqual({ a: '1', b: '' });
      expect(await change({ operation: 'set', key: 'a', value: '2' })).toEqual({ a: '2', b: '' });
      expect(await change({ operation: 'set', key: '', value: 'e' })).toEqual({ a: '2', b: '', '': 'e' });
      expect(await change({ operation: 'remove', key: '' })).toEqual({ a: '2', b: '' });
      expect(await change({ operation: 'remove', key: 'b', value: 'ignored' })).toEqual({ a: '2' });
      expect(await change({ operation: 'remove', key: 'toString' })).toEqual({ a: '2' });
      expect(await change({ operation: 'set', key: '__proto__', value: 'p' })).toEqual(
        JSON.parse('{"a":"2","__proto__":"p"}'),
      );
      for (const metadata of [
        [],
        [{ operation: 'set', key: 'a' }],
        { operation: 'SET', key: 'a' },
        { key: 'a' },
        null,
      ]) {
        const answer = await client().patch(at(`/images/${id}`), { metadata });
        expect(answer.status, JSON.stringify(metadata)).toBe(422);
        expect(fieldsOf(answer)).toEqual(['metadata']);
      }
    });

    test('DELETE one: a record without link', async () => {
      const { id } = await client().make(at('/images'), { name: 'a' });
      expect((await client().delete(at(`/images/${id}`))).status).toBe(204);
      expect((await client().delete(at(`/images/${id}`))).status).toBe(404);
      expect(await client().list(at('/images'))).toEqual([]);
      expect(await client().list('/v3/deleted/images')).toHaveLength(isHard ? 0 : 1);
    });

    test('DELETE all, also when there are none', async () => {
      await client().make(at('/images'), { name: 'a' });
      await client().make(at('/images'), { name: 'b', link: (await uploadImage(client())).link });
      expect((await client().delete(at('/images'))).status).toBe(204);
      expect(await client().list(at('/images'))).toEqual([]);
      expect(await client().list('/v3/deleted/images')).toHaveLength(isHard ? 0 : 2);
      expect((await client().delete(at('/images'))).status).toBe(204);
    });
  });

  test('metadata of a new image: one pair, a pair without value, a whole map', async () => {
    const metadataOf = async (metadata: unknown) =>
      (await client().make('/v3/images', { name: 'a', metadata }))['metadata'];
    expect(await metadataOf({ key: 'k', value: 'v' })).toEqual({ k: 'v' });
    expect(await metadataOf({ key: 'k' })).toEqual({ k: '' });
    expect(await metadataOf({ a: '1', value: '2' })).toEqual({ a: '1', value: '2' });
    expect(await metadataOf({})).toEqual({});
    for (const metadata of [null, [], 'x', { a: 1 }, { key: 1 }, { key: 'k', value: 'v', more: 'm' }]) {
      const answer = await client().post('/v3/images', { name: 'a', metadata });
      expect(answer.status, JSON.stringify(metadata)).toBe(422);
      expect(fieldsOf(answer)).toEqual(['metadata']);
    }
  });

  test.each([
    ['an integer name', { name: 1 }, { name: ['Not a valid string.'] }],
    ['no name', { arch: 'x86_64' }, { name: ['Missing data for required field.'] }],
    ['a null name', { name: null }, { name: ['Field may not be null.'] }],
    ['a blank name', { name: '' }, { name: ['Shorter than minimum length 1.'] }],
    ['an unknown field', { name: 'a', nme: 1 }, { nme: ['Unknown field.'] }],
    ['an id', { name: 'a', id: 'x' }, { id: ['Unknown field.'] }],
    ['a date', { name: 'a', created: 'x' }, { created: ['Unknown field.'] }],
    ['an odd architecture', { name: 'a', arch: 'arm' }, { arch: ['Must be one of: aarch64, x86_64.'] }],
    ['a link that is text', { name: 'a', link: 's3://' }, { link: { _schema: ['Invalid input type.'] } }],
    [
      'a link of http',
      { name: 'a', link: { path: 'http://x/y', type: 'http' } },
      { link: { type: ['Must be one of: s3.'] } },
    ],
    [
      'a link with more',
      { name: 'a', link: { path: 'p', type: 's3', x: 1 } },
      { link: { x: ['Unknown field.'] } },
    ],
    [
      'an etag of null',
      { name: 'a', link: { path: 'p', type: 's3', etag: null } },
      { link: { etag: ['Field may not be null.'] } },
    ],
    [
      'a link without path',
      { name: 'a', link: { type: 's3', path: '' } },
      { link: { path: ['Shorter than minimum length 1.'] } },
    ],
    [
      'a field called __proto__',
      JSON.parse('{"name":"a","__proto__":1}'),
      JSON.parse('{"__proto__":["Unknown field."]}'),
    ],
  ])('POST with %s is a 422 that names it', async (_name, body, errors) => {
    const answer = await client().post('/v3/images', body);
    expect(answer.status).toBe(422);
    expect((answer.json as { errors: object }).errors).toEqual(errors);
    expect(await client().list('/v3/images')).toEqual([]);
  });

  test.each(['name', 'id', 'created', 'deleted'])('PATCH of %s is refused', async (field) => {
    const { id } = await client().make('/v3/images', { name: 'a' });
    const answer = await client().patch(`/v3/images/${id}`, { [field]: 'x' });
    expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
  });

  test('PATCH with a null link is a 422', async () => {
    const { id } = await client().make('/v3/images', { name: 'a' });
    expect((await client().patch(`/v3/images/${id}`, { link: null })).status).toBe(422);
  });

  test('links are the same by their members: an absent etag is not an empty one', async () => {
    const { link } = await uploadImage(client());
    const { etag: _etag, ...bare } = link;
    const posted = await client().make('/v3/images', { name: 'posted', link: bare });
    expect(posted['link']).toEqual({ ...bare, etag: '' });
    expect((await client().patch(`/v3/images/${posted.id}`, { link: bare })).status).toBe(409);
    expect((await client().patch(`/v3/images/${posted.id}`, { link: { ...bare, etag: '' } })).status).toBe(
      200,
    );
    await client().delete(`/v2/images/${posted.id}?cascade=no`);
    const patched = await client().make('/v3/images', { name: 'patched' });
    const url = `/v3/images/${patched.id}`;
    expect((await client().patch(url, { link: bare })).json).toMatchObject({ link: { ...bare, etag: '' } });
    expect((await client().patch(url, { link: bare })).status).toBe(200);
    expect((await client().patch(url, { link: { ...bare, etag: '' } })).status).toBe(409);
  });

  describe.each(['POST', 'PATCH'])('the manifest of a %s', (method) => {
    const set = async (link: object) => {
      if (method === 'POST') {
        return await client().post('/v3/images', { name: 'a', link });
      }
      const { id } = await client().make('/v3/images', { name: 'a' });
      return await client().patch(`/v3/images/${id}`, { link });
    };
    const answerTo = async (manifest: unknown) =>
      (await set(await uploadManifest(client(), manifest))).status;
    const success = method === 'POST' ? 201 : 200;

    test('must be no other image’s', async () => {
      const { link } = await uploadImage(client());
      await client().make('/v3/images', { name: 'first', link });
      const answer = await set(link);
      expect([answer.status, fieldsOf(answer)]).toEqual([422, ['link']]);
    });

    test('must exist, in a bucket that there is', async () => {
      for (const path of [
        's3://boot-images/none',
        's3://other/x',
        's3://boot-images',
        'nowhere',
        's3://boot-images/a/../b',
      ]) {
        const answer = await set({ path, type: 's3' });
        expect([path, answer.status, fieldsOf(answer)]).toEqual([path, 422, ['link']]);
      }
    });

    test('must be smaller than 1 MiB', async () => {
      const padded = (size: number) => '{}'.padEnd(size, ' ');
      expect(await answerTo(padded(1_048_576))).toBe(400);
      expect(await answerTo(padded(1_048_575))).toBe(success);
    });

    test('must be UTF-8 and JSON', async () => {
      expect(await answerTo('{')).toBe(422);
      expect(await answerTo(Buffer.from([0x22, 0xff, 0x22]))).toBe(422);
      expect(await answerTo('')).toBe(422);
    });

    test('may be empty', async () => {
      for (const empty of ['{}', '[]', 'null']) {
        expect(await answerTo(empty)).toBe(success);
      }
    });

    test('has version 1.0, and artifacts that are a list of objects', async () => {
      expect(await answerTo([1])).toBe(422);
      expect(await answerTo({ artifacts: [] })).toBe(422);
      expect(await answerTo({ version: '42.0', artifacts: [] })).toBe(422);
      expect(await answerTo({ version: '1.0' })).toBe(422);
      expect(await answerTo({ version: '1.0', artifacts: {} })).toBe(422);
      expect(await answerTo({ version: '1.0', artifacts: ['x'] })).toBe(422);
    });

    test('links each artifact to an object that exists, with a type', async () => {
      const withFirst = async (change: (artifact: Record<string, unknown>) => void) => {
        const { link } = await uploadImage(client(), ([first]) => change(first as Record<string, unknown>));
        return (await set(link)).status;
      };
      expect(await withFirst((artifact) => delete artifact['link'])).toBe(422);
      expect(
        await withFirst((artifact) => Object.assign(artifact, { link: { path: 's3://boot-images/x' } })),
      ).toBe(422);
      expect(await withFirst((artifact) => Object.assign(artifact, { link: { type: 's3' } }))).toBe(422);
      expect(
        await withFirst((artifact) =>
          Object.assign(artifact, { link: { path: 's3://boot-images/none', type: 's3' } }),
        ),
      ).toBe(422);
      expect(await withFirst((artifact) => delete artifact['type'])).toBe(422);
      expect(await withFirst((artifact) => delete artifact['md5'])).toBe(success);
    });

    test('has exactly one root file system, told by the beginning of its type', async () => {
      const withTypes = async (...types: string[]) => {
        const { link } = await uploadImage(client(), (artifacts) => {
          for (const [index, type] of types.entries()) {
            Object.assign(artifacts[index] ?? {}, { type });
          }
        });
        return (await set(link)).status;
      };
      expect(await withTypes(KERNEL)).toBe(400);
      expect(await withTypes(ROOTFS, ROOTFS)).toBe(400);
      expect(await withTypes(`${ROOTFS}.zstd`)).toBe(success);
    });
  });

  describe('deleting for good', () => {
    test('takes artifacts and manifest along', async () => {
      const { link, paths } = await uploadImage(client());
      const { id } = await client().make('/images', { name: 'a', link });
      expect((await client().delete(`/images/${id}`)).status).toBe(204);
      for (const path of [link.path, ...paths]) {
        expect([path, await client().has(path)]).toEqual([path, false]);
      }
    });

    test.each([
      ['True', false],
      ['true', false],
      ['YES', false],
      ['t', false],
      ['1', false],
      ['False', true],
      ['0', true],
      ['', true],
      ['si', true],
    ])('with cascade=%s leaves the objects: %s', async (cascade, stays) => {
      const { link, paths } = await uploadImage(client());
      const { id } = await client().make('/v2/images', { name: 'a', link });
      expect((await client().delete(`/v2/images/${id}?cascade=${cascade}`)).status).toBe(204);
      for (const path of [link.path, ...paths]) {
        expect([path, await client().has(path)]).toEqual([path, stays]);
      }
    });

    test('an unreadable manifest is a 422 and the image stays; cascade=false deletes it', async () => {
      const { link } = await uploadImage(client());
      const { id } = await client().make('/v2/images', { name: 'a', link });
      await client().put(link.path, '{');
      expect((await client().delete(`/v2/images/${id}`)).status).toBe(422);
      expect((await client().delete(`/v3/images/${id}`)).status).toBe(422);
      expect((await client().get(`/v2/images/${id}`)).status).toBe(200);
      expect((await client().delete(`/v2/images/${id}?cascade=False`)).status).toBe(204);
    });

    test('a manifest without artifacts is deleted with the image', async () => {
      const link = await uploadManifest(client(), {});
      const { id } = await client().make('/v2/images', { name: 'a', link });
      expect((await client().delete(`/v2/images/${id}`)).status).toBe(204);
      expect(await client().has(link.path)).toBe(false);
    });
  });
}
