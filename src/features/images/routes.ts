/** Images over HTTP. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ArchitectureSchema, Id } from '../../contract/common.ts';
import { Image, ImageArtifact, ImageCreate, ImageUpdate } from '../../contract/images.ts';
import { listQuery, NEXT_CURSOR } from '../../contract/listing.ts';
import { IDEMPOTENCY_HEADERS, type Once } from '../requests/index.ts';
import type { DeletedImageService } from './deleted.ts';
import type { ImageService } from './service.ts';

const tags = ['images'];
const params = Type.Object({ id: Id('Identifier of the image') });

export interface ImageRoutesDeps {
  readonly once: Once;
  readonly images: ImageService;
  readonly deletedImages: DeletedImageService;
}

export function imageRoutes({ once, images, deletedImages }: ImageRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/images',
      {
        schema: {
          operationId: 'listImages',
          summary: 'List all images in the order of their registration',
          tags,
          querystring: Type.Object({
            ...listQuery,
            arch: Type.Optional(ArchitectureSchema),
            metadata: Type.Optional(
              Type.Array(Type.String(), { description: 'Entries that its metadata has, each KEY=VALUE' }),
            ),
          }),
          response: { 200: Type.Array(Image, { description: 'All images' }) },
        },
      },
      async (request, reply) => {
        const { records, nextCursor } = await images.page(request.query, {
          fields: { arch: request.query.arch },
          metadata: request.query.metadata,
        });
        if (nextCursor !== undefined) {
          void reply.header(NEXT_CURSOR, nextCursor);
        }
        return records;
      },
    );
    app.post(
      '/kiln/v1/images',
      {
        schema: {
          operationId: 'createImage',
          summary: 'Register an image that was made elsewhere',
          tags,
          headers: IDEMPOTENCY_HEADERS,
          body: ImageCreate,
          response: { 201: Image },
        },
      },
      async (request, reply) => {
        const { body, headers } = request;
        const record = await once(headers['idempotency-key'], {
          noun: 'images',
          body,
          find: images.get,
          create: (id) => images.create(body, undefined, id),
        });
        return reply.code(201).send(record);
      },
    );
    app.get(
      '/kiln/v1/images/:id',
      {
        schema: {
          operationId: 'getImage',
          summary: 'Describe an image',
          tags,
          params,
          response: { 200: Image },
        },
      },
      async (request) => images.get(request.params.id),
    );
    app.get(
      '/kiln/v1/images/:id/artifacts',
      {
        schema: {
          operationId: 'listImageArtifacts',
          summary: 'List the artifacts of an image, with addresses to fetch them from',
          tags,
          params,
          response: {
            200: Type.Array(ImageArtifact, { description: 'Its artifacts, as its manifest lists them' }),
          },
        },
      },
      async (request) => images.artifacts(request.params.id),
    );
    app.patch(
      '/kiln/v1/images/:id',
      {
        schema: {
          operationId: 'updateImage',
          summary: 'Change an image; its link can be set once',
          tags,
          params,
          body: ImageUpdate,
          response: { 200: Image },
        },
      },
      async (request) => images.update(request.params.id, request.body),
    );
    app.delete(
      '/kiln/v1/images/:id',
      {
        schema: {
          operationId: 'deleteImage',
          summary: 'Delete an image and all its artifacts; they can be had back until they are purged',
          tags,
          params,
          response: { 204: Type.Null({ description: 'The image is deleted' }) },
        },
      },
      async (request, reply) => {
        await deletedImages.bury(request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
}
