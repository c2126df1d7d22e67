/** Public keys: section 1.7 of the contract, and the rows of section 8 about them. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fieldsOf, type WireClient } from './client.ts';
import { PUBLIC_KEY } from './fixtures.ts';

export function publicKeyContract(client: () => WireClient): void {
  describe.each(['/v3', '/v2', '', '/apis/ims/v3'])('public keys at %s', (base) => {
    const url = `${base}/public-keys`;
    const isHard = !base.endsWith('/v3');

    test('POST, GET one and all; the text comes back byte for byte', async () => {
      const made = [
        await client().make(url, PUBLIC_KEY),
        await client().make(url, { name: 'a key', public_key: ' #\tü\n\n' }),
      ];
      expect(made).toMatchObject([PUBLIC_KEY, { public_key: ' #\tü\n\n' }]);
      for (const key of made) {
        expect((await client().get(`${url}/${key.id}`)).json).toEqual(key);
      }
      expect(await client().list(url)).toEqual(made);
      expect((await client().get(`${url}/${randomUUID()}`)).status).toBe(404);
    });

    test('DELETE one and all', async () => {
      const { id } = await client().make(url, PUBLIC_KEY);
      await client().make(url, PUBLIC_KEY);
      expect((await client().delete(`${url}/${id}`)).status).toBe(204);
      expect((await client().delete(`${url}/${id}`)).status).toBe(404);
      expect(await client().list(url)).toHaveLength(1);
      expect((await client().delete(url)).status).toBe(204);
      expect(await client().list(url)).toEqual([]);
      expect(await client().list('/v3/deleted/public-keys')).toHaveLength(isHard ? 0 : 2);
    });

    test('there is no PATCH', async () => {
      const { id } = await client().make(url, PUBLIC_KEY);
      expect((await client().patch(`${url}/${id}`, { name: 'b' })).status).toBe(405);
    });

    test.each([
      ['nothing of its fields', { x: 1 }, ['name', 'public_key', 'x']],
      ['wrong types', { name: 1, public_key: [] }, ['name', 'public_key']],
      ['an unknown field', { ...PUBLIC_KEY, more: 1 }, ['more']],
      ['a blank name', { ...PUBLIC_KEY, name: '' }, ['name']],
      ['a blank key', { ...PUBLIC_KEY, public_key: '' }, ['public_key']],
    ])('POST with %s is a 422 that names it', async (_name, body, fields) => {
      const answer = await client().post(url, body);
      expect([answer.status, fieldsOf(answer).sort()]).toEqual([422, fields]);
    });

    test('POST of {} is a 400', async () => {
      expect((await client().post(url, {})).status).toBe(400);
    });
  });
}
