/** What holds at every address: sections 1.1 to 1.3 of the contract. */
import { describe, expect, test } from 'vitest';
import type { InProcessService } from '../../../support/service.ts';
import { fieldsOf, type WireClient } from './client.ts';
import { PUBLIC_KEY, RECIPE } from './fixtures.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

export function conventionContract(client: () => WireClient, service: () => InProcessService): void {
  const collections = ['images', 'recipes', 'public-keys', 'jobs', 'remote-build-nodes'].map(
    (noun) => `/v3/${noun}`,
  );

  describe.each(collections)('POST %s', (url) => {
    test.each(['{}', '[]', 'null', 'false', '0', '""'])(
      'a falsy body %s is a problem of status 400',
      async (body) => {
        const answer = await client().send('POST', url, { headers: JSON_TYPE, body });
        expect(answer.status).toBe(400);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
      },
    );

    test.each(['', '{', '{"a":}', 'x', '\u{feff}{}'])(
      'a body that is no JSON (%j) is a 400 with a message',
      async (body) => {
        const answer = await client().send('POST', url, { headers: JSON_TYPE, body });
        expect([answer.status, Object.keys(answer.json as object)]).toEqual([400, ['message']]);
      },
    );

    test.each(['text/plain', 'application/x-www-form-urlencoded', 'json', 'application/jsonx', 'text/json'])(
      'the content type %s is a 415 with a message',
      async (type) => {
        const answer = await client().send('POST', url, {
          headers: { 'content-type': type },
          body: '{"a":1}',
        });
        expect([answer.status, Object.keys(answer.json as object)]).toEqual([415, ['message']]);
      },
    );

    test('no content type at all is a 415', async () => {
      expect((await client().send('POST', url)).status).toBe(415);
    });

    test.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/vnd.api+json'])(
      'the content type %s is JSON',
      async (type) => {
        const answer = await client().send('POST', url, {
          headers: { 'content-type': type },
          body: '{"a":1}',
        });
        expect(answer.status).toBe(422);
      },
    );

    test.each(['[1]', '"x"', '7', 'true'])(
      'a body that is no object (%s) is a 422 about itself',
      async (body) => {
        const answer = await client().send('POST', url, { headers: JSON_TYPE, body });
        expect(answer.status).toBe(422);
        expect((answer.json as { errors: object }).errors).toEqual({ _schema: ['Invalid input type.'] });
      },
    );
  });

  test.each([
    ['/v3/images', 'GET, POST, DELETE, HEAD, OPTIONS', ['PUT', 'PATCH']],
    ['/images/x', 'GET, PATCH, DELETE, HEAD, OPTIONS', ['PUT', 'POST']],
    ['/v2/public-keys/x', 'GET, DELETE, HEAD, OPTIONS', ['PUT', 'POST', 'PATCH']],
    ['/v3/deleted/recipes', 'GET, PATCH, DELETE, HEAD, OPTIONS', ['PUT', 'POST']],
    ['/v3/remote-build-nodes/status', 'GET, HEAD, OPTIONS', ['PUT', 'POST', 'PATCH', 'DELETE']],
    ['/apis/ims/v3/jobs', 'GET, POST, DELETE, HEAD, OPTIONS', ['PUT', 'PATCH']],
  ])('%s has the methods %s and no others', async (url, allow, refused) => {
    for (const method of refused) {
      const answer = await client().send(method, url, { headers: JSON_TYPE, body: 'no JSON' });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, allow]);
      expect(Object.keys(answer.json as object).sort()).toEqual(['detail', 'message', 'status', 'title']);
      expect(answer.json).toMatchObject({ status: 405, title: 'Method Not Allowed' });
    }
    const options = await client().send('OPTIONS', url);
    expect([options.status, options.headers.get('allow')]).toEqual([200, allow]);
  });

  test('HEAD answers as GET does, without the body', async () => {
    const { id } = await client().make('/v3/images', { name: 'a' });
    for (const [url, status] of [
      ['/v3/images', 200],
      [`/images/${id}`, 200],
      ['/v2/images/x', 404],
    ] as const) {
      const answer = await client().send('HEAD', url);
      expect([url, answer.status]).toEqual([url, status]);
      const got = await client().get(url);
      expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(got.text)));
    }
  });

  test('a slash at the end, and any other address, is a 404 whatever the method', async () => {
    const { id } = await client().make('/v3/images', { name: 'a' });
    for (const url of [
      '/images/',
      '/v3/images/',
      `/v2/images/${id}/`,
      `/images/${id}/more`,
      '/v3',
      '/v3/',
      '/v3/nouns',
      '/deleted/images',
      '/remote-build-nodes',
      '/apis/ims',
      '/apis/ims/images/',
      '/apis/ims/v3/nouns',
      '/apis/ims/v1/images',
    ]) {
      for (const method of ['GET', 'POST', 'PATCH', 'DELETE', 'PUT']) {
        const answer = await client().send(method, url);
        expect([method, url, answer.status]).toEqual([method, url, 404]);
      }
    }
    expect(await client().list('/v3/images')).toHaveLength(1);
  });

  test('all versions and the gateway share one set of records', async () => {
    const { id } = await client().make('/apis/ims/images', { name: 'a' });
    for (const base of ['', '/v2', '/v3', '/apis/ims', '/apis/ims/v2', '/apis/ims/v3']) {
      expect((await client().list(`${base}/images`)).map((image) => image.id)).toEqual([id]);
    }
  });

  test('dates have microseconds and no offset, and no fraction when it is zero', async () => {
    service().setTime(new Date('2026-03-04T05:06:07.089Z'));
    expect((await client().make('/v3/public-keys', PUBLIC_KEY))['created']).toBe(
      '2026-03-04T05:06:07.089000',
    );
    service().setTime(new Date('2026-03-04T05:06:07.000Z'));
    expect((await client().make('/v3/public-keys', PUBLIC_KEY))['created']).toBe('2026-03-04T05:06:07');
    service().setTime(undefined);
  });

  test('lists are in the order in which the records were made', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 12; count += 1) {
      ids.push((await client().make('/v3/recipes', { ...RECIPE, name: `${count % 5}` })).id);
    }
    expect((await client().list('/v3/recipes?sort=name&limit=1')).map(({ id }) => id)).toEqual(ids);
  });

  describe('booleans', () => {
    const dkms = async (value: unknown) => {
      const answer = await client().post('/v3/recipes', { ...RECIPE, require_dkms: value });
      return answer.status === 201 ? (answer.json as { require_dkms: boolean }).require_dkms : answer;
    };
    const spelled = (...words: string[]) =>
      words.flatMap((word) => [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()]);

    test('true in all its spellings', async () => {
      for (const value of [true, 1, ...spelled('t', 'true', 'on', 'y', 'yes', '1')]) {
        expect([value, await dkms(value)]).toEqual([value, true]);
      }
    });

    test('false in all its spellings', async () => {
      for (const value of [false, 0, ...spelled('f', 'false', 'off', 'n', 'no', '0')]) {
        expect([value, await dkms(value)]).toEqual([value, false]);
      }
    });

    test('nothing else', async () => {
      for (const value of [null, 2, 'tRuE', '', 'ja', [], {}]) {
        expect([value, await dkms(value)]).toMatchObject([value, { status: 422 }]);
      }
    });
  });

  test.each(['', '/apis/ims'])('version and health at %s', async (base) => {
    for (const path of ['/version', '/healthz/ready', '/healthz/live']) {
      const raw = await fetch(`${service().url}${base}${path}`);
      expect(raw.status).toBe(200);
      const answer = await raw.json();
      if (path === '/version') {
        expect(answer).toEqual({ version: '1.2.3' });
      } else if (base !== '') {
        expect(answer).toEqual({});
      }
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const refused = await client().send(method, `${base}${path}`);
        expect([refused.status, Object.keys(refused.json as object)]).toEqual([405, ['message']]);
      }
    }
  });

  test('all that is wrong is told at once', async () => {
    const answer = await client().post('/v3/images', { nme: 'x', arch: 'x', link: { type: 'x' } });
    expect(fieldsOf(answer).sort()).toEqual(['arch', 'link', 'name', 'nme']);
  });

  test('Kiln’s own API keeps its own answers', async () => {
    const response = await fetch(`${service().url}/kiln/v1/images/x`);
    expect(await response.json()).toHaveProperty('code');
    const posted = await fetch(`${service().url}/kiln/v1/images`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{',
    });
    expect(await posted.json()).toMatchObject({ status: 400, code: 'bad-request' });
  });
}
