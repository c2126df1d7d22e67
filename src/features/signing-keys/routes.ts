/** Signing keys over HTTP. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { Id } from '../../contract/common.ts';
import { SigningKey, SigningKeyCreate } from '../../contract/signing-keys.ts';
import type { SigningKeyService } from './service.ts';

export interface SigningKeyRoutesDeps {
  readonly signingKeys: SigningKeyService;
}

const tags = ['signing-keys'];
const params = Type.Object({ id: Id('Identifier of the key') });
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

export function signingKeyRoutes({ signingKeys }: SigningKeyRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/signing-keys',
      {
        schema: {
          operationId: 'listSigningKeys',
          summary: 'List all keys that builds verify packages with',
          tags,
          response: { 200: Type.Array(SigningKey, { description: 'All keys' }) },
        },
      },
      async () => signingKeys.list(),
    );
    app.post(
      '/kiln/v1/signing-keys',
      {
        bodyLimit: BODY_LIMIT_BYTES,
        schema: {
          operationId: 'createSigningKey',
          summary: 'Register a public key; the same key again is renewed',
          tags,
          body: SigningKeyCreate,
          response: { 201: SigningKey },
        },
      },
      async (request, reply) => reply.code(201).send(await signingKeys.create(request.body)),
    );
    app.get(
      '/kiln/v1/signing-keys/:id',
      {
        schema: {
          operationId: 'getSigningKey',
          summary: 'Describe a signing key',
          tags,
          params,
          response: { 200: SigningKey },
        },
      },
      async (request) => signingKeys.get(request.params.id),
    );
    app.delete(
      '/kiln/v1/signing-keys/:id',
      {
        schema: {
          operationId: 'deleteSigningKey',
          summary: 'Forget a signing key; builds that start from now on do not trust it',
          tags,
          params,
          response: { 204: Type.Null({ description: 'It is forgotten' }) },
        },
      },
      async (request, reply) => {
        await signingKeys.delete(request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
}
