import { randomUUID } from 'node:crypto';
import { get } from 'node:http';
import Fastify from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import { problemOf } from '../contract/problem.ts';
import type { Once } from '../features/requests/index.ts';
import { silentLog } from '../platform/log.ts';
import { waitFor } from '../platform/wait.ts';
import { jobRoutes } from './routes.ts';
import { runnerRoutes } from './runner-routes.ts';
import { createWorld, RECIPE_ID } from './testing/world.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const at = '2026-01-01T00:00:01.000Z';
const line = (number: number) => ({ line: number, at, step: 'fetch', text: `line ${number}` });

async function serve() {
  const world = createWorld();
  const app = Fastify();
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof KilnError) {
      const problem = problemOf(error);
      return reply.code(problem.status).send(problem);
    }
    return reply.send(error);
  });
  const { jobs, changes, reports } = world.service;
  // Requests that come twice are tested with the nouns, over a real database.
  const once: Once = (_key, work) => work.create(randomUUID());
  await app.register(jobRoutes({ jobs, changes, once, log: silentLog }));
  await app.register(runnerRoutes({ reports }));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  closers.push(() => app.close());
  const { id } = await world.create();
  await world.settle();
  const document = world.machine.runnerOf(id)?.document;
  if (document === undefined) {
    throw new Error('no runner was started');
  }
  return { world, app, url, id, document };
}

/** Follows a stream on a connection of its own; `text` is what has come so far. */
function follow(url: string, headers: Record<string, string> = {}) {
  const state = { text: '' };
  const request = get(url, { headers, agent: false });
  const reading = new Promise<void>((resolve, reject) => {
    request.once('error', reject);
    request.once('close', resolve);
    request.once('response', (response) => {
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (text: string) => {
        state.text += text;
      });
    });
  });
  return {
    state,
    reading,
    async stop() {
      request.destroy();
      await reading.catch(() => {});
    },
    until: (part: string) =>
      waitFor(() => (state.text.includes(part) ? true : undefined), {
        timeoutMs: 5_000,
        intervalMs: 5,
        describe: () => `${part} in ${state.text}`,
      }),
  };
}

test('jobs over HTTP: create, list, describe, cancel, delete', async () => {
  const { app } = await serve();
  const payload = { job_type: 'create', artifact_id: RECIPE_ID, image_root_archive_name: 'n' };
  const created = await app.inject({ method: 'POST', url: '/kiln/v1/jobs', payload });
  expect(created.statusCode).toBe(201);
  const { id } = created.json();
  expect((await app.inject('/kiln/v1/jobs')).json()).toHaveLength(2);
  expect((await app.inject(`/kiln/v1/jobs/${id}`)).json()).toEqual(created.json());
  expect((await app.inject({ method: 'DELETE', url: `/kiln/v1/jobs/${id}` })).statusCode).toBe(409);
  const cancelled = await app.inject({ method: 'POST', url: `/kiln/v1/jobs/${id}/cancel` });
  expect(cancelled.statusCode).toBe(202);
  expect(cancelled.json()).toMatchObject({ state: 'cancelled', reason: { code: 'job-cancelled' } });
  expect((await app.inject({ method: 'DELETE', url: `/kiln/v1/jobs/${id}` })).statusCode).toBe(204);
  expect((await app.inject(`/kiln/v1/jobs/${id}`)).json()).toMatchObject({ code: 'job-not-found' });
  expect((await app.inject(`/kiln/v1/jobs/${id}/log`)).statusCode).toBe(404);
});

test('the runner needs its token', async () => {
  const { app, id, document } = await serve();
  const url = `/kiln/v1/runner/jobs/${id}/report`;
  const payload = { attempt: 1, steps: [], log: [line(1)] };
  expect((await app.inject({ method: 'POST', url, payload })).statusCode).toBe(401);
  const headers = { authorization: `Bearer ${document.api.token}` };
  const reply = await app.inject({ method: 'POST', url, payload, headers });
  expect(reply.json()).toEqual({ cancel: false });
  const text = await app.inject(`/kiln/v1/jobs/${id}/log`);
  expect(text.headers['content-type']).toContain('text/plain');
  expect(text.body).toBe(`${at} fetch: line 1\n`);
});

test('the log is followed line by line, resumed from any of them, and ends with the job', async () => {
  const { world, url, id, document } = await serve();
  const accept = { accept: 'text/event-stream' };
  await world.report(document, { log: [line(1), line(2)] });
  const all = follow(`${url}/kiln/v1/jobs/${id}/log`, accept);
  const after = follow(`${url}/kiln/v1/jobs/${id}/log?after=1`, accept);
  const resumed = follow(`${url}/kiln/v1/jobs/${id}/log?after=1`, { ...accept, 'last-event-id': '2' });
  await all.until('line 2');
  await world.report(document, { log: [line(3)] });
  await Promise.all([all, after, resumed].map((stream) => stream.until('line 3')));
  await world.complete(document);
  await Promise.all([all.reading, after.reading, resumed.reading]);
  const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => match[1]);
  expect(ids(all.state.text)).toEqual(['1', '2', '3']);
  expect(ids(after.state.text)).toEqual(['2', '3']);
  expect(ids(resumed.state.text)).toEqual(['3']);
  expect(all.state.text).toContain(`data: ${JSON.stringify(line(3))}\n`);
  expect(all.state.text.endsWith('event: end\ndata: {"state":"succeeded"}\n\n')).toBe(true);
});

test('a long log reaches a follower whole', async () => {
  const { world, url, id, document } = await serve();
  const lines = Array.from({ length: 3_000 }, (_, index) => ({ ...line(index + 1), text: 'x'.repeat(400) }));
  await world.report(document, { log: lines });
  await world.complete(document);
  const stream = follow(`${url}/kiln/v1/jobs/${id}/log`, { accept: 'text/event-stream' });
  await stream.reading;
  expect(stream.state.text.match(/^id: /gm)).toHaveLength(3_000);
});

test('each change of a job is an event, and the last one is its end', async () => {
  const { world, url, id, document } = await serve();
  const stream = follow(`${url}/kiln/v1/jobs/${id}/events`);
  await stream.until('"state":"starting"');
  await world.report(document, { steps: [{ name: 'prepare', state: 'running', at }] });
  await stream.until('"status":"building_image"');
  await world.service.jobs.cancel(id);
  await stream.until('"state":"cancelling"');
  world.machine.kill(world.machine.runners[0] ?? expect.fail('no runner'));
  await world.settle();
  await stream.reading;
  expect(stream.state.text.trimEnd().split('\n').at(-1)).toContain('"state":"cancelled"');
});

test('open streams do not keep the service from closing, nor the reverse', async () => {
  const { world, app, url, id, document } = await serve();
  const left = follow(`${url}/kiln/v1/jobs/${id}/events`);
  await left.until('event: job');
  await left.stop();
  await world.report(document, { log: [line(1)] });
  const open = follow(`${url}/kiln/v1/jobs/${id}/log`, { accept: 'text/event-stream' });
  await open.until('line 1');
  await app.close();
  await open.reading;
  expect(open.state.text).not.toContain('event: end');
});
