/** Jobs over HTTP, for clients. */
import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Id } from '../contract/common.ts';
import { Job, JobCreate, type LogLine } from '../contract/jobs.ts';
import { listQuery, NEXT_CURSOR } from '../contract/listing.ts';
import { IDEMPOTENCY_HEADERS, type Once } from '../features/requests/index.ts';
import type { Log } from '../platform/log.ts';
import { openEventStream } from '../platform/sse.ts';
import { linesAfter, type StreamDeps, streamEvents, streamLog } from './streams.ts';

export interface JobRoutesDeps extends StreamDeps {
  readonly once: Once;
  readonly log: Log;
}

const tags = ['jobs'];
const params = Type.Object({ id: Id('Identifier of the job') });
const EventStreamText = Type.String({ description: 'Server-sent events' });

export function jobRoutes(deps: JobRoutesDeps): FastifyPluginAsyncTypebox {
  const { jobs } = deps;

  return async (app) => {
    // An open stream would keep the server from closing.
    const closing = new AbortController();
    app.addHook('preClose', async () => closing.abort());
    const whileOpen = (stream: Promise<void>) =>
      stream.catch((error: unknown) => deps.log.error({ err: error }, 'a stream of a job broke off'));

    app.post(
      '/kiln/v1/jobs',
      {
        schema: {
          operationId: 'createJob',
          summary: 'Create a job, which runs as soon as there is room for it',
          tags,
          headers: IDEMPOTENCY_HEADERS,
          body: JobCreate,
          response: { 201: Job },
        },
      },
      async (request, reply) => {
        const { body, headers } = request;
        const job = await deps.once(headers['idempotency-key'], {
          noun: 'jobs',
          body,
          find: jobs.get,
          create: (id) => jobs.create(body, { id }),
        });
        return reply.code(201).send(job);
      },
    );

    app.get(
      '/kiln/v1/jobs',
      {
        schema: {
          operationId: 'listJobs',
          summary: 'List all jobs in the order of their creation',
          tags,
          querystring: Type.Object({
            ...listQuery,
            job_type: Type.Optional(Job.properties.job_type),
            artifact_id: Type.Optional(Job.properties.artifact_id),
            arch: Type.Optional(Job.properties.arch),
          }),
          response: { 200: Type.Array(Job, { description: 'All jobs' }) },
        },
      },
      async (request, reply) => {
        const { job_type, artifact_id, arch } = request.query;
        const { records, nextCursor } = await jobs.page(request.query, {
          fields: { job_type, artifact_id, arch },
        });
        if (nextCursor !== undefined) {
          void reply.header(NEXT_CURSOR, nextCursor);
        }
        return records;
      },
    );

    app.get(
      '/kiln/v1/jobs/:id',
      {
        schema: {
          operationId: 'getJob',
          summary: 'Describe a job, its steps and how it ended',
          tags,
          params,
          response: { 200: Job },
        },
      },
      async (request) => jobs.get(request.params.id),
    );

    app.delete(
      '/kiln/v1/jobs/:id',
      {
        schema: {
          operationId: 'deleteJob',
          summary: 'Forget a job that is over, with its log; its image stays',
          tags,
          params,
          response: { 204: Type.Null({ description: 'The job is gone' }) },
        },
      },
      async (request, reply) => {
        await jobs.delete(request.params.id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/kiln/v1/jobs/:id/cancel',
      {
        schema: {
          operationId: 'cancelJob',
          summary: 'Cancel a job; it ends once its runner has stopped and cleaned up',
          tags,
          params,
          response: { 202: Job },
        },
      },
      async (request, reply) => reply.code(202).send(await jobs.cancel(request.params.id)),
    );

    app.get(
      '/kiln/v1/jobs/:id/log',
      {
        exposeHeadRoute: false,
        schema: {
          operationId: 'readJobLog',
          summary: 'Read the log of a job, or follow it as server-sent events',
          description:
            'Asked for text/event-stream, each line is an event whose id is the number of the line and whose data is a LogLine; "end" is the last event, once the job is over. Otherwise the lines that there are by now, as text.',
          tags,
          params,
          querystring: Type.Object({
            after: Type.Integer({
              minimum: 0,
              default: 0,
              description: 'Lines up to this number are left out; a Last-Event-ID header counts more',
            }),
          }),
          response: {
            200: {
              description: 'The log',
              content: {
                'text/event-stream': { schema: EventStreamText },
                'text/plain': { schema: Type.String({ description: 'One line of text per line' }) },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const after = lastEventId(request.headers['last-event-id']) ?? request.query.after;
        await jobs.get(id);
        if (!wantsEvents(request.headers.accept)) {
          return sendText(reply, Readable.from(textOf(linesAfter(jobs, id, after))));
        }
        await whileOpen(streamLog(deps, openEventStream(reply, closing.signal), id, after));
        return reply;
      },
    );

    app.get(
      '/kiln/v1/jobs/:id/events',
      {
        exposeHeadRoute: false,
        schema: {
          operationId: 'followJob',
          summary: 'Follow a job as server-sent events, one per change',
          description: 'Each event "job" holds the whole job; the stream ends once the job is over.',
          tags,
          params,
          response: {
            200: {
              description: 'The changes',
              content: { 'text/event-stream': { schema: EventStreamText } },
            },
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await jobs.get(id);
        await whileOpen(streamEvents(deps, openEventStream(reply, closing.signal), id));
        return reply;
      },
    );
  };
}

function sendText(reply: FastifyReply, text: Readable): FastifyReply {
  return reply.type('text/plain; charset=utf-8').send(text);
}

function wantsEvents(accept: string | undefined): boolean {
  return accept?.includes('text/event-stream') ?? false;
}

function lastEventId(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

async function* textOf(lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const line of lines) {
    yield `${line.at} ${line.step}: ${line.text}\n`;
  }
}
