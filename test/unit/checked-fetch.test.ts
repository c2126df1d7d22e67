/** The check of answers itself: it lets through what the description has, and names what it does not have. */
import { describe, expect, it } from 'vitest';
import { KilnError } from '../../src/contract/errors.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../../src/contract/problem.ts';
import { checking } from '../support/checked-fetch.ts';

const IMAGE = {
  id: '6b1e4ae2-7d0f-4d52-9a3a-5a3c9f1d3b10',
  created: '2026-01-01T00:00:00.000Z',
  name: 'compute',
  arch: 'x86_64',
  metadata: {},
  link: { path: 's3://boot-images/a/manifest.json', type: 's3' },
  job_id: null,
};
const PROBLEM = problemOf(new KilnError('image-not-found', 'there is no image x'));
const AT = `/kiln/v1/images/${IMAGE.id}`;

/** Asks for something of a service that answers with this. */
async function ask(
  request: string,
  body: unknown,
  { status = 200, type = 'application/json; charset=utf-8' }: { status?: number; type?: string } = {},
): Promise<Response> {
  const [method = '', path] = request.split(' ');
  const text = body === null ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const headers = text === null ? {} : { 'content-type': type };
  const fetch = checking(async () => new Response(text, { status, headers }));
  return await fetch(`http://kiln.test${path}`, { method });
}

describe('answers as the description has them', () => {
  it('can be read as if nobody had looked at them', async () => {
    expect(await (await ask(`GET ${AT}`, IMAGE)).json()).toEqual(IMAGE);
    expect(await (await ask('GET /kiln/v1/images?limit=1', [IMAGE])).json()).toEqual([IMAGE]);
    expect((await ask(`DELETE ${AT}`, null, { status: 204 })).status).toBe(204);
    const refused = await ask(`GET ${AT}`, PROBLEM, { status: 404, type: PROBLEM_MEDIA_TYPE });
    expect(await refused.json()).toEqual(PROBLEM);
  });

  it('are not read when they are streams, objects or of another wire', async () => {
    const unread = async (path: string, type: string, status = 200) => {
      const body = new ReadableStream({ pull: () => Promise.reject(new Error('it was read')) });
      const answer = new Response(body, { status, headers: { 'content-type': type } });
      const fetch = checking(async () => answer);
      return (await fetch(`http://kiln.test${path}`)) === answer && !answer.bodyUsed;
    };
    expect(await unread('/kiln/v1/events', 'text/event-stream')).toBe(true);
    expect(await unread(`/kiln/v1/jobs/${IMAGE.id}/log`, 'text/plain')).toBe(true);
    expect(await unread('/kiln/v1/objects/ims/recipes/a/b.tar.gz', 'application/gzip')).toBe(true);
    expect(await unread('/v3/images', 'application/json', 299)).toBe(true);
  });
});

describe('a wrong answer is caught', () => {
  const problem = { type: PROBLEM_MEDIA_TYPE };
  it.each<[string, string, unknown, { status?: number; type?: string }, RegExp]>([
    ['a path', 'GET /kiln/v1/things', {}, {}, /GET \/kiln\/v1\/things: 200: .*does not have this path/],
    ['a method', `PUT ${AT}`, IMAGE, {}, /PUT .*does not have this method/],
    ['a status', 'POST /kiln/v1/images', IMAGE, { status: 202 }, /POST .*: 202: .*not list this status/],
    ['a content type', `GET ${AT}`, IMAGE, { type: 'text/html' }, /"text\/html" and not application\/json/],
    ['what is not JSON', `GET ${AT}`, '{', {}, /not JSON: \{/],
    ['no body', `GET ${AT}`, '', {}, /not JSON/],
    ['a missing field', `GET ${AT}`, { ...IMAGE, job_id: undefined }, {}, /\/ must have .*"job_id"/],
    ['another field', `GET ${AT}`, { ...IMAGE, size: 1 }, {}, /additionalProperty":"size"/],
    ['a wrong value', `GET ${AT}`, { ...IMAGE, created: 'now' }, {}, /\/created must match format/],
    [
      'a value of a named schema',
      'GET /kiln/v1/images',
      [{ ...IMAGE, link: { path: 'x', type: 's3' } }],
      {},
      /\/0\/link\/path must match pattern/,
    ],
    [
      'a refusal that is no problem',
      `GET ${AT}`,
      { detail: 'x' },
      { status: 404 },
      /"application\/json" and/,
    ],
    [
      'a problem without its code',
      `GET ${AT}`,
      { ...PROBLEM, code: undefined },
      { ...problem, status: 404 },
      /"code"/,
    ],
    ['a problem of another status', `GET ${AT}`, PROBLEM, { ...problem, status: 409 }, /says the status 404/],
    ['an object instead of a stream', 'GET /kiln/v1/events', {}, {}, /has no body here/],
  ])('%s', async (_name, request, body, options, message) => {
    await expect(ask(request, body, options)).rejects.toThrow(message);
  });
});
