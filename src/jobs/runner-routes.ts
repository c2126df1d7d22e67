/** What runners say about their jobs, over HTTP. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { Id } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { Image } from '../contract/images.ts';
import { RunnerCompletion, RunnerInspection, RunnerReply, RunnerReport } from '../contract/runner.ts';
import { MIB } from '../platform/bytes.ts';
import type { JobReports } from './reports.ts';

export interface RunnerRoutesDeps {
  readonly reports: JobReports;
}

const REPORT_LIMIT_BYTES = 8 * MIB;

const tags = ['runner'];
const params = Type.Object({ id: Id('Identifier of the job') });

export function runnerRoutes({ reports }: RunnerRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/kiln/v1/runner/jobs/:id/report',
      {
        bodyLimit: REPORT_LIMIT_BYTES,
        schema: {
          operationId: 'reportJob',
          summary: 'Report steps, log lines and failure of a job; for its runner, with the token of the job',
          tags,
          params,
          body: RunnerReport,
          response: { 200: RunnerReply },
        },
      },
      async (request) =>
        reports.report(request.params.id, bearerToken(request.headers.authorization), request.body),
    );

    app.post(
      '/kiln/v1/runner/jobs/:id/complete',
      {
        schema: {
          operationId: 'completeJob',
          summary: 'Complete a job and register its image; for its runner, with the token of the job',
          tags,
          params,
          body: RunnerCompletion,
          response: { 200: Image },
        },
      },
      async (request) =>
        reports.complete(request.params.id, bearerToken(request.headers.authorization), request.body),
    );

    app.post(
      '/kiln/v1/runner/jobs/:id/inspected',
      {
        bodyLimit: REPORT_LIMIT_BYTES,
        schema: {
          operationId: 'completeInspection',
          summary: 'Complete an inspection with its report; for its runner, with the token of the job',
          tags,
          params,
          body: RunnerInspection,
          response: { 204: Type.Null({ description: 'The report is kept' }) },
        },
      },
      async (request, reply) => {
        const token = bearerToken(request.headers.authorization);
        await reports.inspected(request.params.id, token, request.body);
        return reply.code(204).send(null);
      },
    );
  };
}

function bearerToken(header: string | undefined): string {
  const [, token] = /^Bearer (.+)$/i.exec(header ?? '') ?? [];
  if (token === undefined) {
    throw new KilnError('unauthorized', 'the request has no bearer token');
  }
  return token;
}
