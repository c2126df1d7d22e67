import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import type { Job, LogLine } from '../contract/jobs.ts';
import { createClient, type KilnClient } from './index.ts';
import {
  JOB_ID,
  jobOf,
  json,
  problem,
  RECIPE_ID,
  recipeOf,
  type StandIn,
  SUCCEEDED,
  startStandIn,
} from './testing/service.ts';

let service: StandIn;
let client: KilnClient;
beforeEach(async () => {
  service = await startStandIn();
  client = createClient({ baseUrl: `${service.url}/`, reconnectMs: 5 });
});
afterEach(() => service[Symbol.asyncDispose]());

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('requests', () => {
  it('send and give JSON', async () => {
    service.on('POST /kiln/v1/recipes', (_asked, response) => json(response, 201, recipeOf()));

    const recipe = await client.recipes.create({ name: 'compute', linux_distribution: 'debian12' });

    expect(recipe).toEqual(recipeOf());
    expect(service.asked[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(String(service.asked[0]?.body))).toEqual({
      name: 'compute',
      linux_distribution: 'debian12',
    });
  });

  it('give nothing for an empty answer', async () => {
    service.on(`DELETE /kiln/v1/recipes/${RECIPE_ID}`, (_asked, response) => response.writeHead(204).end());

    expect(await client.recipes.delete(RECIPE_ID)).toBeUndefined();
  });

  it('throw what a problem document says', async () => {
    service.on('GET /kiln/v1/images', (_asked, response) =>
      problem(response, 404, 'image-not-found', 'no image'),
    );

    const error = await errorOf(client.images.list());

    expect(error).toBeInstanceOf(KilnError);
    expect(error).toMatchObject({ code: 'image-not-found', message: 'no image' });
  });

  it('show what somebody in between answered', async () => {
    service.on('GET /version', (_asked, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'));

    expect(await errorOf(client.version())).toMatchObject({
      code: 'internal-error',
      message: `GET ${service.url}/version: 502 <h1>Bad gateway</h1>`,
    });
  });

  it('say that nobody answers, and why', async () => {
    await service[Symbol.asyncDispose]();

    const error = await errorOf(client.version());

    expect(error).toMatchObject({ code: 'server-unreachable' });
    expect(String(error)).toContain('ECONNREFUSED');
    service = await startStandIn();
  });

  it('go through the fetch that they are given', async () => {
    const own = createClient({
      baseUrl: 'http://kiln.test',
      fetch: async (input) => Response.json({ version: String(input) }),
    });

    expect(await own.version()).toEqual({ version: 'http://kiln.test/version' });
  });
});

describe('an archive', () => {
  it('is streamed with its size and digest', async () => {
    service.on(`PUT /kiln/v1/recipes/${RECIPE_ID}/archive`, (_asked, response) =>
      json(response, 200, recipeOf()),
    );
    const body = Readable.toWeb(Readable.from([Buffer.from('abc'), Buffer.from('def')])) as ReadableStream;

    await client.recipes.uploadArchive(RECIPE_ID, { body, sizeBytes: 6, sha256: 'digest' });

    expect(String(service.asked[0]?.body)).toBe('abcdef');
    expect(service.asked[0]?.headers).toMatchObject({
      'content-length': '6',
      'content-type': 'application/octet-stream',
      'x-kiln-sha256': 'digest',
    });
  });
});

const line = (number: number): LogLine => ({
  line: number,
  at: '2026-01-01T00:00:00.000Z',
  step: 'prepare',
  text: `line ${number}`,
});
const event = (data: unknown, also = '') => `${also}data: ${JSON.stringify(data)}\n\n`;

describe('the log of a job', () => {
  it('goes on after a broken connection with the next line', async () => {
    const answers = [event(line(3)) + event(line(4)), 'data: {"line": 5, "te', event(line(5))];
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/log`, (_asked, response) => {
      const answer = answers.shift() ?? 'event: end\ndata: {}\n\n';
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': 1_000_000 });
      response.write(answer, () => (answers.length === 0 ? undefined : response.destroy()));
    });

    const lines: number[] = [];
    for await (const each of client.jobs.log(JOB_ID, { after: 2 })) {
      lines.push(each.line);
      if (each.line === 5) {
        break;
      }
    }

    expect(lines).toEqual([3, 4, 5]);
    expect(service.asked.map(({ path }) => path.split('?')[1])).toEqual(['after=2', 'after=4', 'after=4']);
    expect(service.asked[0]?.headers.accept).toBe('text/event-stream');
  });

  it('ends with the job', async () => {
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/log`, (_asked, response) =>
      response.end(`${event(line(1))}event: end\n${event({ state: 'failed' })}`),
    );

    const lines: LogLine[] = [];
    for await (const each of client.jobs.log(JOB_ID)) {
      lines.push(each);
    }

    expect(lines).toEqual([line(1)]);
  });

  it('is not asked for again when there is no such job', async () => {
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/log`, (_asked, response) =>
      problem(response, 404, 'job-not-found', 'no job'),
    );

    const reading = (async () => {
      for await (const _ of client.jobs.log(JOB_ID)) {
        // There is none.
      }
    })();

    expect(await errorOf(reading)).toMatchObject({ code: 'job-not-found' });
    expect(service.asked).toHaveLength(1);
  });
});

describe('watching a job', () => {
  it('connects again until the job is over', async () => {
    const jobs = [jobOf({ log_lines: 1 }), jobOf({ log_lines: 2 }), jobOf(SUCCEEDED)];
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/events`, (_asked, response) =>
      response.end(`: alive\n\n${event(jobs.shift(), 'event: job\n')}`),
    );

    const states: Job['state'][] = [];
    for await (const job of client.jobs.watch(JOB_ID)) {
      states.push(job.state);
    }

    expect(states).toEqual(['running', 'running', 'succeeded']);
    expect(service.asked).toHaveLength(3);
  });

  it('stops at once when its signal aborts', async () => {
    const stop = new AbortController();
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/events`, (_asked, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event(jobOf(), 'event: job\n'));
    });

    const watching = (async () => {
      for await (const _ of client.jobs.watch(JOB_ID, { signal: stop.signal })) {
        stop.abort();
      }
    })();

    expect(await errorOf(watching)).toMatchObject({ name: 'AbortError' });
  });
});
