/** The shells of jobs over HTTP, for clients. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { Id } from '../contract/common.ts';
import { ShellExtension } from '../contract/customizations.ts';
import { Job } from '../contract/jobs.ts';
import type { JobShells } from './shells.ts';

const tags = ['jobs'];
const params = Type.Object({ id: Id('Identifier of the job') });

export interface ShellRoutesDeps {
  readonly shells: JobShells;
}

export function shellRoutes({ shells }: ShellRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/kiln/v1/jobs/:id/finish',
      {
        schema: {
          operationId: 'finishShell',
          summary: 'Close the shell of a job; the image with its changes is made',
          tags,
          params,
          response: { 202: Job },
        },
      },
      async (request, reply) => reply.code(202).send(await shells.end(request.params.id, 'complete')),
    );

    app.post(
      '/kiln/v1/jobs/:id/fail',
      {
        schema: {
          operationId: 'failShell',
          summary: 'Close the shell of a job; it ends without an image',
          tags,
          params,
          response: { 202: Job },
        },
      },
      async (request, reply) => reply.code(202).send(await shells.end(request.params.id, 'failed')),
    );

    app.post(
      '/kiln/v1/jobs/:id/checkpoint',
      {
        schema: {
          operationId: 'keepShell',
          summary:
            'Keep what was done in the shell of a job so far; `checkpoint` of the job says when that is done',
          tags,
          params,
          response: { 202: Job },
        },
      },
      async (request, reply) => reply.code(202).send(await shells.checkpoint(request.params.id)),
    );

    app.post(
      '/kiln/v1/jobs/:id/extend',
      {
        schema: {
          operationId: 'extendShell',
          summary: 'Give the shell of a job more time',
          tags,
          params,
          body: ShellExtension,
          response: { 200: Job },
        },
      },
      async (request) => shells.extend(request.params.id, request.body.minutes),
    );
  };
}
