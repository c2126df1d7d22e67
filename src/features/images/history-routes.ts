/** How images came to be, over HTTP. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Id } from '../../contract/common.ts';
import { ASCIICAST, ImageHistory, RecordingNumber } from '../../contract/history.ts';
import type { ImageHistories } from './history.ts';

export interface HistoryRoutesDeps {
  readonly imageHistories: ImageHistories;
}

const tags = ['images'];
const id = Id('Identifier of the image');

export function historyRoutes({ imageHistories }: HistoryRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/images/:id/history',
      {
        schema: {
          operationId: 'getImageHistory',
          summary: 'How a customized image came to be: what was changed, by whom, and how to do it again',
          tags,
          params: Type.Object({ id }),
          response: { 200: ImageHistory },
        },
      },
      async (request) => imageHistories.history(request.params.id),
    );
    app.get(
      '/kiln/v1/images/:id/recordings/:number',
      {
        schema: {
          operationId: 'getImageRecording',
          summary: 'What a terminal showed in the shell that the image was made in, as an asciicast',
          tags,
          params: Type.Object({ id, number: RecordingNumber }),
          response: {
            200: { description: 'The recording', content: { [ASCIICAST]: { schema: Type.String() } } },
          },
        },
      },
      async (request, reply) => {
        const { id: image, number } = request.params;
        return sendCast(reply, await imageHistories.recording(image, Number(number)));
      },
    );
  };
}

function sendCast(reply: FastifyReply, cast: Readable): FastifyReply {
  return reply.type(ASCIICAST).send(cast);
}
