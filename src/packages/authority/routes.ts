/** The authority over HTTP: what is trusted, and the change from one root to the next. Keys never come out. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { AuthorityRoot, Authority as AuthoritySchema } from '../../contract/authority.ts';
import type { Authority } from './authority.ts';

export interface AuthorityRoutesDeps {
  readonly authority: Authority;
}

const tags = ['authority'];
const response = { 200: AuthoritySchema };

export function authorityRoutes({ authority }: AuthorityRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/authority',
      {
        schema: {
          operationId: 'getAuthority',
          summary: 'Describe the certificate authority of the platform',
          tags,
          response,
        },
      },
      async () => authority.describe(),
    );
    app.get(
      '/kiln/v1/authority/certificates.pem',
      {
        schema: {
          operationId: 'getTrustedCertificates',
          summary: 'Get all certificates that builds and images trust',
          tags,
          response: {
            200: {
              description: 'The certificates, that of the root that signs first',
              content: {
                'application/x-pem-file': { schema: Type.String({ description: 'PEM certificates' }) },
              },
            },
          },
        },
      },
      async (_request, reply) => reply.type('application/x-pem-file').send(authority.trusted().join('')),
    );
    app.post(
      '/kiln/v1/authority/rotate',
      {
        schema: {
          operationId: 'rotateAuthority',
          summary: 'Make the next root, which builds and images trust from now on',
          tags,
          response,
        },
      },
      async () => {
        await authority.rotate();
        return authority.describe();
      },
    );
    app.post(
      '/kiln/v1/authority/activate',
      {
        schema: {
          operationId: 'activateAuthority',
          summary: 'Let the next root sign the server certificate; the one that did stays trusted',
          tags,
          response,
        },
      },
      async () => {
        await authority.activate();
        return authority.describe();
      },
    );
    app.delete(
      '/kiln/v1/authority/roots/:id',
      {
        schema: {
          operationId: 'retireRoot',
          summary: 'Trust a previous root no more, or give up the next one',
          tags,
          params: Type.Object({ id: AuthorityRoot.properties.id }),
          response: { 204: Type.Null({ description: 'New builds and images do not trust it' }) },
        },
      },
      async (request, reply) => {
        await authority.retire(request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
}
