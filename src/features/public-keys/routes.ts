/** Public keys over HTTP. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { Id } from '../../contract/common.ts';
import { ListQuery, NEXT_CURSOR } from '../../contract/listing.ts';
import { PublicKey, PublicKeyCreate, PublicKeyUpdate } from '../../contract/public-keys.ts';
import { IDEMPOTENCY_HEADERS, type Once } from '../requests/index.ts';
import type { DeletedPublicKeyService } from './deleted.ts';
import type { PublicKeyService } from './service.ts';

const tags = ['public-keys'];
const params = Type.Object({ id: Id('Identifier of the key') });

export interface PublicKeyRoutesDeps {
  readonly once: Once;
  readonly publicKeys: PublicKeyService;
  readonly deletedPublicKeys: DeletedPublicKeyService;
}

export function publicKeyRoutes({
  once,
  publicKeys,
  deletedPublicKeys,
}: PublicKeyRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/public-keys',
      {
        schema: {
          operationId: 'listPublicKeys',
          summary: 'List all public keys in the order of their registration',
          tags,
          querystring: ListQuery,
          response: { 200: Type.Array(PublicKey, { description: 'All public keys' }) },
        },
      },
      async (request, reply) => {
        const { records, nextCursor } = await publicKeys.page(request.query);
        if (nextCursor !== undefined) {
          void reply.header(NEXT_CURSOR, nextCursor);
        }
        return records;
      },
    );
    app.post(
      '/kiln/v1/public-keys',
      {
        schema: {
          operationId: 'createPublicKey',
          summary: 'Register a public key',
          tags,
          headers: IDEMPOTENCY_HEADERS,
          body: PublicKeyCreate,
          response: { 201: PublicKey },
        },
      },
      async (request, reply) => {
        const { body, headers } = request;
        const record = await once(headers['idempotency-key'], {
          noun: 'public-keys',
          body,
          find: publicKeys.get,
          create: (id) => publicKeys.create(body, id),
        });
        return reply.code(201).send(record);
      },
    );
    app.get(
      '/kiln/v1/public-keys/:id',
      {
        schema: {
          operationId: 'getPublicKey',
          summary: 'Describe a public key',
          tags,
          params,
          response: { 200: PublicKey },
        },
      },
      async (request) => publicKeys.get(request.params.id),
    );
    app.patch(
      '/kiln/v1/public-keys/:id',
      {
        schema: {
          operationId: 'updatePublicKey',
          summary: 'Rename a public key',
          tags,
          params,
          body: PublicKeyUpdate,
          response: { 200: PublicKey },
        },
      },
      async (request) => publicKeys.update(request.params.id, request.body),
    );
    app.delete(
      '/kiln/v1/public-keys/:id',
      {
        schema: {
          operationId: 'deletePublicKey',
          summary: 'Delete a public key; it can be had back until it is purged',
          tags,
          params,
          response: { 204: Type.Null({ description: 'The key is deleted' }) },
        },
      },
      async (request, reply) => {
        await deletedPublicKeys.bury(request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
}
