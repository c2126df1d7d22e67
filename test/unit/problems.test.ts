/** What goes wrong before a route has its turn is a problem document too. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { assertLoopback } from '../../src/server/loopback.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let service: InProcessService;
beforeAll(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
});
afterAll(() => service.close());

const JSON_BODY = { 'content-type': 'application/json' };

describe('a request that cannot be answered', () => {
  it.each([
    ['to nowhere', '/kiln/v1/nowhere', {}, 404, 'not-found'],
    ['with another method', '/kiln/v1/images', { method: 'PUT' }, 405, 'method-not-allowed'],
    [
      'with something that is no JSON',
      '/kiln/v1/images',
      { method: 'POST', body: '{', headers: JSON_BODY },
      400,
      'bad-request',
    ],
    [
      'with another type',
      '/kiln/v1/images',
      { method: 'POST', body: 'a', headers: { 'content-type': 'application/xml' } },
      415,
      'unsupported-media-type',
    ],
    [
      'that is too large',
      '/kiln/v1/images',
      { method: 'POST', body: `"${'x'.repeat(1_100_000)}"`, headers: JSON_BODY },
      413,
      'payload-too-large',
    ],
    [
      'with a field that there is not',
      '/kiln/v1/images',
      { method: 'POST', body: '{"name":"x","nmae":"y"}', headers: JSON_BODY },
      422,
      'validation-failed',
    ],
    ['with an id that is none', '/kiln/v1/images/7', {}, 422, 'validation-failed'],
  ])('%s is told so', async (_name, path, init, status, code) => {
    const response = await fetch(service.url + path, init);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = (await response.json()) as Record<string, unknown>;
    expect([response.status, problem['status'], problem['code']]).toEqual([status, status, code]);
    expect(problem).toMatchObject({
      title: expect.any(String),
      detail: expect.any(String),
      hint: expect.any(String),
    });
  });

  it('names the fields that are wrong', async () => {
    const body = JSON.stringify({ name: '', arch: 'vax' });
    const response = await fetch(`${service.url}/kiln/v1/images`, {
      method: 'POST',
      body,
      headers: JSON_BODY,
    });
    const { errors } = (await response.json()) as { errors: Array<{ pointer: string }> };
    expect(errors.map(({ pointer }) => pointer)).toEqual(['/body/name', '/body/arch']);
  });
});

describe('without authentication', () => {
  it.each(['0.0.0.0', '::', '192.168.1.1', 'kiln.example.com', ''])(
    'the service does not listen on "%s"',
    (host) => {
      expect(() => assertLoopback(host)).toThrow(/loopback/);
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('it listens on %s', (host) => {
    expect(() => assertLoopback(host)).not.toThrow();
  });

  it('a page of the web that gave its own name to this address is refused', async () => {
    const { port } = new URL(service.url);
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example.com' };
      request({ host: '127.0.0.1', port, path: '/kiln/v1/images', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(401);
  });
});
