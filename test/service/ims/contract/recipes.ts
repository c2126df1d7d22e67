/** Recipes: section 1.6 of the contract, and the rows of section 8 about them. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fieldsOf, type WireClient } from './client.ts';
import { RECIPE, uploadRecipe } from './fixtures.ts';

export function recipeContract(client: () => WireClient): void {
  describe.each(['/v3', '/v2', '', '/apis/ims/v3'])('recipes at %s', (base) => {
    const url = `${base}/recipes`;
    const isHard = !base.endsWith('/v3');

    test('POST with link, null and none; GET one and all give every field back', async () => {
      const link = await uploadRecipe(client());
      const template_dictionary = [
        { key: 'B', value: '1' },
        { key: 'A', value: '2' },
        { key: 'B', value: '' },
      ];
      const full = {
        ...RECIPE,
        recipe_type: 'packer',
        link,
        template_dictionary,
        arch: 'aarch64',
        require_dkms: false,
      };
      const defaults = { ...RECIPE, link: null, template_dictionary: [], arch: 'x86_64', require_dkms: true };
      const made = [
        await client().make(url, full),
        await client().make(url, { ...RECIPE, link: null }),
        await client().make(url, RECIPE),
      ];
      expect(made).toMatchObject([full, defaults, defaults]);
      for (const recipe of made) {
        expect((await client().get(`${url}/${recipe.id}`)).json).toEqual(recipe);
      }
      expect(await client().list(url)).toEqual(made);
      expect((await client().get(`${url}/${randomUUID()}`)).status).toBe(404);
    });

    test('PATCH sets a link once, and the other fields at will', async () => {
      const link = await uploadRecipe(client());
      const recipe = await client().make(url, RECIPE);
      const one = `${url}/${recipe.id}`;
      expect((await client().patch(one, { link })).json).toEqual({ ...recipe, link });
      expect((await client().patch(one, { link })).status).toBe(200);
      expect((await client().patch(one, { link: await uploadRecipe(client()) })).status).toBe(409);
      expect((await client().patch(one, { require_dkms: false })).json).toMatchObject({
        require_dkms: false,
      });
      expect((await client().patch(one, { require_dkms: true })).json).toMatchObject({ require_dkms: true });
      const template_dictionary = [{ key: '', value: 'x' }];
      expect((await client().patch(one, { template_dictionary, arch: 'aarch64' })).json).toEqual({
        ...recipe,
        link,
        template_dictionary,
        arch: 'aarch64',
      });
    });

    test('DELETE one and all', async () => {
      const made = [
        await client().make(url, RECIPE),
        await client().make(url, RECIPE),
        await client().make(url, RECIPE),
      ];
      expect((await client().delete(`${url}/${made[0]?.id}`)).status).toBe(204);
      expect((await client().delete(`${url}/${made[0]?.id}`)).status).toBe(404);
      expect(await client().list(url)).toHaveLength(2);
      expect((await client().delete(url)).status).toBe(204);
      expect(await client().list(url)).toEqual([]);
      expect(await client().list('/v3/deleted/recipes')).toHaveLength(isHard ? 0 : 3);
    });
  });

  test.each(['sles12', 'sles15', 'centos7', 'rocky9', 'ubuntu24.04'])(
    '%s is a distribution',
    async (linux_distribution) => {
      const link = await uploadRecipe(client());
      expect(await client().make('/v3/recipes', { ...RECIPE, linux_distribution, link })).toMatchObject({
        linux_distribution,
        link,
      });
    },
  );

  test.each([
    ['nothing that is needed', { arch: 'x86_64' }, ['linux_distribution', 'name', 'recipe_type']],
    ['an integer name', { ...RECIPE, name: 1 }, ['name']],
    ['a blank name', { ...RECIPE, name: '' }, ['name']],
    ['a link that is none', { ...RECIPE, link: 'x' }, ['link']],
    ['an unknown field', { ...RECIPE, more: 1 }, ['more']],
    ['a bad type', { ...RECIPE, recipe_type: 'Kiwi-NG' }, ['recipe_type']],
    ['a bad distribution', { ...RECIPE, linux_distribution: 'centos3' }, ['linux_distribution']],
    ['an object that is not there', { ...RECIPE, link: { path: 's3://ims/none', type: 's3' } }, ['link']],
    ['a null for require_dkms', { ...RECIPE, require_dkms: null }, ['require_dkms']],
    ['a mapping as dictionary', { ...RECIPE, template_dictionary: { a: 'b' } }, ['template_dictionary']],
  ])('POST with %s is a 422 that names it', async (_name, body, fields) => {
    const answer = await client().post('/v3/recipes', body);
    expect([answer.status, fieldsOf(answer).sort()]).toEqual([422, fields]);
    expect(await client().list('/v3/recipes')).toEqual([]);
  });

  test('complaints about a list are told by index', async () => {
    const template_dictionary = [{ key: 'a', value: 1 }, { key: 'b' }, 'c', { key: 'd', value: 'e' }];
    const answer = await client().post('/v3/recipes', { ...RECIPE, template_dictionary });
    expect((answer.json as { errors: object }).errors).toEqual({
      template_dictionary: {
        0: { value: ['Not a valid string.'] },
        1: { value: ['Missing data for required field.'] },
        2: { _schema: ['Invalid input type.'] },
      },
    });
  });

  test('PATCH refuses what cannot be changed', async () => {
    const { id } = await client().make('/v3/recipes', RECIPE);
    for (const [field, value] of Object.entries({
      name: 'x',
      recipe_type: 'packer',
      linux_distribution: 'sles12',
      link: null,
      arch: 'x',
      id,
    })) {
      const answer = await client().patch(`/v3/recipes/${id}`, { [field]: value });
      expect([field, answer.status, fieldsOf(answer)]).toEqual([field, 422, [field]]);
    }
    expect((await client().patch(`/v3/recipes/${id}`, {})).status).toBe(400);
    expect((await client().patch(`/v3/recipes/${randomUUID()}`, {})).status).toBe(404);
  });

  describe('deleting for good', () => {
    test.each([
      ['', false],
      ['?cascade=True', false],
      ['?cascade=False', true],
    ])('with %s leaves the archive: %s', async (query, stays) => {
      const link = await uploadRecipe(client());
      const { id } = await client().make('/recipes', { ...RECIPE, link });
      expect((await client().delete(`/recipes/${id}${query}`)).status).toBe(204);
      expect(await client().has(link.path)).toBe(stays);
    });

    test('an archive that is gone is no obstacle', async () => {
      const link = await uploadRecipe(client());
      const { id } = await client().make('/v2/recipes', { ...RECIPE, link });
      await client().lose(link.path);
      expect((await client().delete(`/v2/recipes/${id}`)).status).toBe(204);
      expect((await client().get(`/v2/recipes/${id}`)).status).toBe(404);
    });
  });

  test('a recipe that a job builds from is deleted all the same', async () => {
    const link = await uploadRecipe(client());
    const recipe = await client().make('/v3/recipes', { ...RECIPE, link });
    const key = await client().make('/v3/public-keys', { name: 'k', public_key: 'k' });
    const job = {
      job_type: 'create',
      artifact_id: recipe.id,
      public_key_id: key.id,
      image_root_archive_name: 'i',
    };
    await client().make('/v3/jobs', job);
    expect((await client().delete(`/v3/recipes/${recipe.id}`)).status).toBe(204);
    expect((await client().delete(`/v3/public-keys/${key.id}`)).status).toBe(204);
  });
}
