/** Deleted records over HTTP: the same four routes for each noun. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type TSchema, Type } from 'typebox';
import { Id } from '../../contract/common.ts';
import { ListQuery, NEXT_CURSOR } from '../../contract/listing.ts';
import type { ListFilters } from '../requests/index.ts';

export interface DeletedNoun {
  /** As in the address, for example `images`. */
  readonly noun: string;
  /** As in operation ids, for example `Image`. */
  readonly name: string;
  /** For people, for example `image`. */
  readonly singular: string;
  readonly deleted: TSchema;
  readonly restored: TSchema;
  readonly service: {
    page(
      query: ListQuery,
      filters: ListFilters,
    ): Promise<{ records: object[]; nextCursor: string | undefined }>;
    get(id: string): Promise<object>;
    undelete(id: string): Promise<object>;
    purge(id: string): Promise<void>;
  };
}

const tags = ['deleted'];

export function deletedRoutes(nouns: readonly DeletedNoun[]): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const { noun, name, singular, deleted, restored, service } of nouns) {
      const params = Type.Object({ id: Id(`Identifier of the ${singular}`) });
      const path = `/kiln/v1/deleted/${noun}`;
      app.get(
        path,
        {
          schema: {
            operationId: `listDeleted${name}s`,
            summary: `List all deleted ${singular}s in the order of their deletion`,
            tags,
            querystring: ListQuery,
            response: { 200: Type.Array(deleted, { description: `All deleted ${singular}s` }) },
          },
        },
        async (request, reply) => {
          const { records, nextCursor } = await service.page(request.query, {});
          if (nextCursor !== undefined) {
            void reply.header(NEXT_CURSOR, nextCursor);
          }
          return records;
        },
      );
      app.get(
        `${path}/:id`,
        {
          schema: {
            operationId: `getDeleted${name}`,
            summary: `Describe a deleted ${singular}`,
            tags,
            params,
            response: { 200: deleted },
          },
        },
        async (request) => service.get(request.params.id),
      );
      app.post(
        `${path}/:id/undelete`,
        {
          schema: {
            operationId: `undelete${name}`,
            summary: `Take back a deleted ${singular}, under its old id`,
            tags,
            params,
            response: { 200: restored },
          },
        },
        async (request) => service.undelete(request.params.id),
      );
      app.delete(
        `${path}/:id`,
        {
          schema: {
            operationId: `purge${name}`,
            summary: `Remove a deleted ${singular} and all its objects for good`,
            tags,
            params,
            response: { 204: Type.Null({ description: 'It is gone' }) },
          },
        },
        async (request, reply) => {
          await service.purge(request.params.id);
          return reply.code(204).send(null);
        },
      );
    }
  };
}
