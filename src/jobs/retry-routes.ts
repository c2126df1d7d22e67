/** Other tries at jobs over HTTP, for clients. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { JobRetry } from '../contract/checkpoints.ts';
import { Id } from '../contract/common.ts';
import { Job } from '../contract/jobs.ts';
import type { JobRetries } from './retry.ts';

export interface RetryRoutesDeps {
  readonly retries: JobRetries;
}

export function retryRoutes({ retries }: RetryRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/kiln/v1/jobs/:id/retry',
      {
        schema: {
          operationId: 'retryJob',
          summary: 'Try a job again that failed, after its last checkpoint or from a step',
          tags: ['jobs'],
          params: Type.Object({ id: Id('Identifier of the job') }),
          body: JobRetry,
          response: { 201: Job },
        },
      },
      async (request, reply) => reply.code(201).send(await retries.retry(request.params.id, request.body)),
    );
  };
}
