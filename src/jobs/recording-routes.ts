/** The record of the shells of jobs over HTTP, for clients. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Id } from '../contract/common.ts';
import { ASCIICAST, JobSessions, RecordingNumber } from '../contract/history.ts';
import type { JobRecordings } from './recordings.ts';

export interface RecordingRoutesDeps {
  readonly recordings: JobRecordings;
}

const tags = ['jobs'];
const id = Id('Identifier of the job');

export function recordingRoutes({ recordings }: RecordingRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/jobs/:id/recordings',
      {
        schema: {
          operationId: 'listJobRecordings',
          summary: 'Who was in the shell of a job, and which terminals were recorded',
          tags,
          params: Type.Object({ id }),
          response: { 200: JobSessions },
        },
      },
      async (request) => recordings.sessions(request.params.id),
    );
    app.get(
      '/kiln/v1/jobs/:id/recordings/:number',
      {
        schema: {
          operationId: 'getJobRecording',
          summary: 'What a terminal showed in the shell of a job, as an asciicast',
          tags,
          params: Type.Object({ id, number: RecordingNumber }),
          response: {
            200: { description: 'The recording', content: { [ASCIICAST]: { schema: Type.String() } } },
          },
        },
      },
      async (request, reply) => {
        const { id: job, number } = request.params;
        return sendCast(reply, await recordings.recording(job, Number(number)));
      },
    );
  };
}

function sendCast(reply: FastifyReply, cast: Readable): FastifyReply {
  return reply.type(ASCIICAST).send(cast);
}
