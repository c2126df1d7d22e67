/** Where clients get keys: the native API, and the way of `cray artifacts`. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { KilnError } from '../contract/errors.ts';
import { S3Credentials, S3CredentialsCreate } from '../contract/s3.ts';
import type { Credentialer } from './credentials.ts';

export interface CredentialRoutesDeps {
  /** Undefined where artifacts are on an S3 service, which has keys of its own. */
  readonly s3: { readonly credentialer: Credentialer; readonly endpoint: () => string } | undefined;
}

const HOUR_SECONDS = 3600;
const DEFAULT_HOURS = 12;
/** Not `us-east-1`: for that region older clients still make addresses with signatures of version 2. */
const REGION = 'default';

export function credentialRoutes({ s3 }: CredentialRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/kiln/v1/s3/credentials',
      {
        schema: {
          operationId: 'createS3Credentials',
          summary: 'Make keys for the S3 protocol of this service',
          tags: ['objects'],
          body: S3CredentialsCreate,
          response: { 201: S3Credentials },
        },
      },
      async (request, reply) => {
        if (s3 === undefined) {
          throw new KilnError('s3-elsewhere', 'artifacts.store is s3');
        }
        const keys = s3.credentialer.issue((request.body.hours ?? DEFAULT_HOURS) * HOUR_SECONDS);
        reply.code(201);
        return {
          endpoint: s3.endpoint(),
          region: REGION,
          access_key_id: keys.accessKeyId,
          secret_access_key: keys.secretAccessKey,
          session_token: keys.sessionToken,
          expires: keys.expires.toISOString(),
        };
      },
    );
  };
}

/**
 * `PUT /apis/sts/token`, where `cray artifacts` asks before it speaks S3. It is as open as the rest of the service:
 * whoever may use that may have keys.
 */
export function tokenRoutes({ s3 }: { s3: NonNullable<CredentialRoutesDeps['s3']> }) {
  return async (app: FastifyInstance): Promise<void> => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null));
    app.put('/apis/sts/token', async (_request, reply) => {
      const keys = s3.credentialer.issue(HOUR_SECONDS);
      reply.code(201);
      return {
        Credentials: {
          EndpointURL: s3.endpoint(),
          AccessKeyId: keys.accessKeyId,
          SecretAccessKey: keys.secretAccessKey,
          SessionToken: keys.sessionToken,
          Expiration: keys.expires.toISOString(),
        },
      };
    });
  };
}
