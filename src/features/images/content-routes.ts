/** What an image is made of, over HTTP: upload, publish, copy. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { Id } from '../../contract/common.ts';
import { Image, ImageCopy, UPLOADABLE, UploadedArtifact } from '../../contract/images.ts';
import { pathOf } from '../objects/index.ts';
import type { ImageContent } from './content.ts';

export interface ContentRoutesDeps {
  readonly imageContent: ImageContent;
}

const tags = ['images'];
const id = Id('Identifier of the image');

export function contentRoutes({ imageContent }: ContentRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/kiln/v1/images/:id/copy',
      {
        schema: {
          operationId: 'copyImage',
          summary: 'Make a new image of the artifacts of another one, inside the store',
          tags,
          params: Type.Object({ id }),
          body: ImageCopy,
          response: { 201: Image },
        },
      },
      async (request, reply) =>
        reply.code(201).send(await imageContent.copy(request.params.id, request.body)),
    );
    app.post(
      '/kiln/v1/images/:id/publish',
      {
        schema: {
          operationId: 'publishImage',
          summary: 'Write the manifest of the artifacts that were uploaded, and link it',
          tags,
          params: Type.Object({ id }),
          response: { 200: Image },
        },
      },
      async (request) => await imageContent.publish(request.params.id),
    );
    await app.register(uploads);
  };

  async function uploads(app: Parameters<FastifyPluginAsyncTypebox>[0]): Promise<void> {
    // Artifacts are streamed: their bodies are never parsed, whatever they say that they are.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.put(
      '/kiln/v1/images/:id/artifacts/:artifact',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          operationId: 'uploadImageArtifact',
          summary: 'Store an artifact of an image that is not published yet',
          tags,
          params: Type.Object({
            id,
            artifact: Type.Enum([...UPLOADABLE], {
              description:
                'Which one; import is a squashfs or tar of a whole root, for a job of the type import',
            }),
          }),
          headers: Type.Object({
            'x-kiln-sha256': Type.Optional(Type.String({ description: 'SHA-256 that the data has to have' })),
            'x-kiln-md5': Type.Optional(Type.String({ description: 'MD5 that the data has to have' })),
          }),
          response: { 200: UploadedArtifact },
        },
      },
      async (request) => {
        const { 'x-kiln-sha256': sha256, 'x-kiln-md5': md5 } = request.headers;
        const stored = await imageContent.upload(
          request.params.id,
          request.params.artifact,
          request.body as Readable,
          { ...(sha256 === undefined ? {} : { sha256 }), ...(md5 === undefined ? {} : { md5 }) },
        );
        return {
          path: pathOf(stored),
          size_bytes: stored.sizeBytes,
          md5: stored.md5,
          sha256: stored.sha256,
          etag: stored.etag,
        };
      },
    );
  }
}
