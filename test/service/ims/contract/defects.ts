/**
 * The defects of the reference (section 7.1) that this wire can show, each by its number: what that service meant
 * happens. `docs/compatibility.md` says which others there are and where they are dealt with.
 */
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../../../src/platform/wait.ts';
import type { InProcessService } from '../../../support/service.ts';
import { fieldsOf, type Record_, type WireClient } from './client.ts';
import { PUBLIC_KEY, RECIPE, readyForJobs, uploadImage, uploadRecipe } from './fixtures.ts';

const UNDELETE = { operation: 'undelete' };

export function defectContract(client: () => WireClient, service: () => InProcessService): void {
  test.each([
    'age=garbage',
    'age=',
    'age=1y',
    'age=2%20weeks',
    'age=3months',
    'age=1.5d',
    'age=-1d',
    'age=1d%20x',
    'type=customize',
    'Status=error',
  ])('D1: DELETE /jobs?%s is a 400 that deletes nothing', async (query) => {
    await client().make('/v3/jobs', await readyForJobs(client()));
    const answer = await client().delete(`/v3/jobs?${query}`);
    expect([answer.status, Object.keys(answer.json as object).sort()]).toEqual([400, ['status', 'title']]);
    expect(await client().list('/v3/jobs')).toHaveLength(1);
  });

  test('D1: 1d6h is a day and six hours', async () => {
    const hours = async (count: number) => {
      service().setTime(new Date(Date.now() - count * 3_600_000));
      const job = await client().make('/v3/jobs', request);
      service().setTime(undefined);
      return job.id;
    };
    const request = await readyForJobs(client());
    await hours(31);
    const younger = await hours(29);
    expect((await client().delete('/v3/jobs?age=1d6h')).status).toBe(204);
    expect((await client().list('/v3/jobs')).map(({ id }) => id)).toEqual([younger]);
  });

  test('D2: what a bulk deletion of v2 deletes stays deleted, and what follows is kept', async () => {
    for (const [noun, body] of [
      ['images', { name: 'a' }],
      ['recipes', RECIPE],
      ['public-keys', PUBLIC_KEY],
    ] as const) {
      await client().make(`/v2/${noun}`, body);
      expect((await client().delete(`/v2/${noun}`)).status).toBe(204);
      const kept = await client().make(`/v2/${noun}`, body);
      await service().restart();
      expect(await client().list(`/v2/${noun}`)).toEqual([kept]);
    }
  });

  test('D3: a recipe that could not be deleted keeps its link, and the service starts', async () => {
    const link = await uploadRecipe(client());
    const { id } = await client().make('/v3/recipes', { ...RECIPE, link });
    await client().lose(link.path);
    expect((await client().delete(`/v3/recipes/${id}`)).status).toBe(204);
    await service().restart();
    expect((await client().get(`/v3/deleted/recipes/${id}`)).json).toMatchObject({
      link: { path: link.path },
    });
    expect((await client().patch(`/v3/deleted/recipes/${id}`, UNDELETE)).status).toBe(422);
    expect((await client().delete(`/v3/deleted/recipes/${id}`)).status).toBe(204);
  });

  test('D4: what was answered is there after a restart, in its order', async () => {
    const made: Record_[] = [];
    for (let count = 0; count < 5; count += 1) {
      made.push(
        await client().make('/v3/images', { name: `image ${count}`, metadata: { n: String(count) } }),
      );
    }
    await service().restart();
    expect(await client().list('/v3/images')).toEqual(made);
  });

  test('D5: an artifact without md5 is moved, taken back and purged as the others', async () => {
    const { link, paths } = await uploadImage(client(), (artifacts) => {
      for (const artifact of artifacts) {
        delete artifact.md5;
      }
    });
    const { id } = await client().make('/v3/images', { name: 'a', link });
    await client().delete(`/v3/images/${id}`);
    expect((await client().patch(`/v3/deleted/images/${id}`, UNDELETE)).status).toBe(204);
    for (const path of paths) {
      expect([path, await client().has(path)]).toEqual([path, true]);
    }
    await client().delete(`/v3/images/${id}`);
    expect((await client().delete(`/v3/deleted/images/${id}`)).status).toBe(204);
    for (const path of paths) {
      const aside = path.replace('boot-images/', 'boot-images/deleted/');
      expect([path, await client().has(path), await client().has(aside)]).toEqual([path, false, false]);
    }
  });

  test('D5: a manifest that has grown too large is refused, and nothing moves', async () => {
    const { link, paths } = await uploadImage(client());
    const { id } = await client().make('/v3/images', { name: 'a', link });
    await client().put(link.path, '{}'.padEnd(1_048_576, ' '));
    expect((await client().delete(`/v3/images/${id}`)).status).toBe(422);
    expect((await client().get(`/v3/images/${id}`)).status).toBe(200);
    for (const path of paths) {
      expect(await client().has(path)).toBe(true);
    }
  });

  test('D6: metadata and content survive deleting and taking back an object above 8 MiB', async () => {
    const content = Buffer.alloc(9 * 1024 * 1024, 'rootfs');
    const { link, paths } = await uploadImage(client());
    const [rootfs = ''] = paths;
    await client().put(rootfs, content, { 'x-shasta-ims-job-id': 'a job' });
    const before = await client().metadataOf(rootfs);
    const { id } = await client().make('/v3/images', { name: 'a', link });
    await client().delete(`/v3/images/${id}`);
    await waitFor(async () => ((await client().has(rootfs)) ? undefined : true), {
      timeoutMs: 60_000,
      describe: () => 'the rootfs to be moved',
    });
    expect(await client().metadataOf(rootfs.replace('boot-images/', 'boot-images/deleted/'))).toEqual(before);
    expect((await client().patch(`/v3/deleted/images/${id}`, UNDELETE)).status).toBe(204);
    expect(await client().metadataOf(rootfs)).toEqual(before);
    expect(before).toHaveProperty('md5sum');
    expect((await client().read(rootfs)).length).toBe(content.length);
  });

  test('D7: a packer recipe is refused, and leaves no job behind', async () => {
    const request = await readyForJobs(client(), { recipe_type: 'packer' });
    expect((await client().post('/v3/jobs', request)).status).toBe(422);
    expect(await client().list('/v3/jobs')).toEqual([]);
    expect(await service().records.cleanup.due()).toEqual([]);
  });

  describe('D8: a PATCH is done whole or not at all', () => {
    test.each([
      ['a link that is not there', { arch: 'aarch64', link: { path: 's3://boot-images/none', type: 's3' } }],
      ['a bad operation', { arch: 'aarch64', metadata: { operation: 'x', key: 'k' } }],
      ['an unknown field', { arch: 'aarch64', metadata: { operation: 'set', key: 'k' }, name: 'b' }],
    ])('of an image, with %s', async (_name, body) => {
      const image = await client().make('/v3/images', { name: 'a' });
      expect((await client().patch(`/v3/images/${image.id}`, body)).status).toBe(422);
      expect((await client().get(`/v3/images/${image.id}`)).json).toEqual(image);
    });

    test('of a recipe whose link is another’s or set already', async () => {
      const link = await uploadRecipe(client());
      const owner = await client().make('/v3/recipes', { ...RECIPE, link });
      const recipe = await client().make('/v3/recipes', RECIPE);
      const change = {
        arch: 'aarch64',
        require_dkms: false,
        template_dictionary: [{ key: 'a', value: 'b' }],
      };
      expect((await client().patch(`/v3/recipes/${recipe.id}`, { ...change, link })).status).toBe(422);
      const other = await uploadRecipe(client());
      expect((await client().patch(`/v3/recipes/${owner.id}`, { ...change, link: other })).status).toBe(409);
      expect(await client().list('/v3/recipes')).toEqual([owner, recipe]);
    });
  });

  test('D8: metadata that two clients set at the same time is all there', async () => {
    const { id } = await client().make('/v3/images', { name: 'a' });
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    const answers = await Promise.all(
      keys.map((key) =>
        client().patch(`/v3/images/${id}`, { metadata: { operation: 'set', key, value: key } }),
      ),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const { metadata } = (await client().get(`/v3/images/${id}`)).json as { metadata: object };
    expect(Object.keys(metadata).sort()).toEqual([...keys].sort());
  });

  test('D9: a link that another recipe has is a 422 that names it', async () => {
    const link = await uploadRecipe(client());
    await client().make('/v3/recipes', { ...RECIPE, link });
    const answer = await client().post('/v3/recipes', { ...RECIPE, link });
    expect([answer.status, fieldsOf(answer)]).toEqual([422, ['link']]);
    const { id } = await client().make('/v3/recipes', RECIPE);
    expect((await client().patch(`/v3/recipes/${id}`, { link })).status).toBe(422);
    expect((await client().delete('/v3/recipes')).status).toBe(204);
  });

  test('D9: an image that is no object is a 422', async () => {
    for (const body of [[1], 'x', 1, true]) {
      expect((await client().post('/v3/images', body)).status).toBe(422);
    }
  });

  test('D9: a null template dictionary is an empty one, and breaks no job', async () => {
    const request = await readyForJobs(client(), { template_dictionary: null });
    expect((await client().get(`/v3/recipes/${request.artifact_id}`)).json).toMatchObject({
      template_dictionary: [],
    });
    await client().make('/v3/jobs', request);
    const patched = await client().patch(`/v3/recipes/${request.artifact_id}`, { template_dictionary: null });
    expect([patched.status, fieldsOf(patched)]).toEqual([422, ['template_dictionary']]);
  });

  test('D10: "false" is false, also in a PATCH', async () => {
    const { id } = await client().make('/v3/recipes', RECIPE);
    expect((await client().patch(`/v3/recipes/${id}`, { require_dkms: 'false' })).json).toMatchObject({
      require_dkms: false,
    });
    const recipe = await service().records.recipes.find(id);
    expect(recipe?.require_dkms).toBe(false);
  });

  test.each(['a: b', 'x"y', '123', 'true', 'a #b', '{{ x }}', '$name', '✓'])(
    'D11: %s is a name like any other',
    async (image_root_archive_name) => {
      const request = await readyForJobs(client());
      expect(await client().make('/v3/jobs', { ...request, image_root_archive_name })).toMatchObject({
        image_root_archive_name,
      });
    },
  );

  test('D11: a key keeps what follows a # and all its lines', async () => {
    const public_key = 'ssh-rsa AAAA a # b\nssh-ed25519 BBBB c\n\n';
    const { id } = await client().make('/v3/public-keys', { name: 'k', public_key });
    await service().restart();
    expect((await client().get(`/v3/public-keys/${id}`)).json).toMatchObject({ public_key });
  });

  test('D13: a status that was said outlives a restart', async () => {
    const { id } = await client().make('/v3/jobs', await readyForJobs(client()));
    expect((await client().patch(`/jobs/${id}`, { status: 'error' })).status).toBe(200);
    await service().restart();
    expect((await client().get(`/jobs/${id}`)).json).toMatchObject({ status: 'error' });
  });

  test('D15: a mapping where a list belongs is a 422 that names the field', async () => {
    const { id } = await client().make('/recipes', RECIPE);
    const answer = await client().patch(`/recipes/${id}`, { template_dictionary: { a: 'b' } });
    expect([answer.status, fieldsOf(answer)]).toEqual([422, ['template_dictionary']]);
  });

  test('D17: a job can be spoken of as soon as it is answered', async () => {
    const { id } = await client().make('/jobs', await readyForJobs(client()));
    expect((await client().patch(`/jobs/${id}`, { status: 'fetching_recipe' })).status).toBe(200);
  });

  test('D18: architecture, metadata and DKMS survive deleting and taking back', async () => {
    const image = await client().make('/v3/images', { name: 'a', arch: 'aarch64', metadata: { a: 'b' } });
    const recipe = await client().make('/v3/recipes', { ...RECIPE, arch: 'aarch64', require_dkms: false });
    for (const [noun, { id }] of [
      ['images', image],
      ['recipes', recipe],
    ] as const) {
      await client().delete(`/v3/${noun}/${id}`);
      await service().restart();
      expect((await client().patch(`/v3/deleted/${noun}/${id}`, UNDELETE)).status).toBe(204);
    }
    expect(await client().list('/v3/images')).toEqual([image]);
    expect(await client().list('/v3/recipes')).toEqual([recipe]);
  });
}
