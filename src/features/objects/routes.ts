/** Objects over HTTP, for whoever has a signed address: runners, `kiln images download`, a node that boots. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { KilnError } from '../../contract/errors.ts';
import { parseRange } from '../../platform/byte-range.ts';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { checkSignature, type SignedMethod } from './signing.ts';
import { BUCKETS, type ObjectAddress, type ObjectInfo, type ObjectStore } from './store.ts';

export interface ObjectRoutesDeps {
  readonly objects: ObjectStore;
  readonly signingKey: Buffer;
  readonly clock?: Clock;
}

const params = Type.Object({
  bucket: Type.Enum([...BUCKETS], { description: 'Bucket of the object' }),
  '*': Type.String({ minLength: 1, description: 'Key of the object' }),
});
const querystring = Type.Object({
  method: Type.Enum(['GET', 'PUT'], { description: 'What the address is for' }),
  expires: Type.String({ description: 'When it stops working, in seconds since 1970' }),
  signature: Type.String({ description: 'Signature of all of this' }),
});
const tags = ['objects'];
const Stored = Type.Object(
  {
    size_bytes: Type.Integer({ description: 'Size in bytes' }),
    md5: Type.String({ description: 'MD5 digest, hexadecimal' }),
    sha256: Type.String({ description: 'SHA-256 digest, hexadecimal' }),
    etag: Type.String({ description: 'Entity tag' }),
  },
  { description: 'What was stored' },
);

export function objectRoutes(deps: ObjectRoutesDeps): FastifyPluginAsyncTypebox {
  const { objects, signingKey } = deps;
  const clock = deps.clock ?? systemClock;
  const addressFor = (
    method: SignedMethod,
    request: {
      params: { bucket: ObjectAddress['bucket']; '*': string };
      query: { expires: string; signature: string };
    },
  ): ObjectAddress => {
    const address = { bucket: request.params.bucket, key: request.params['*'] };
    checkSignature(signingKey, method, address, request.query, clock.now());
    return address;
  };

  return async (app) => {
    // Objects are streamed: their bodies are never parsed, whatever they say that they are.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    app.get(
      '/kiln/v1/objects/:bucket/*',
      {
        schema: {
          operationId: 'getObject',
          summary: 'Fetch an object, or a range of it',
          tags,
          params,
          querystring,
        },
      },
      async (request, reply) => {
        const address = addressFor('GET', request);
        const info = await objects.head(address);
        if (info === undefined) {
          throw new KilnError('not-found', `s3://${address.bucket}/${address.key}`);
        }
        reply.headers(headersOf(info));
        const range = parseRange(request.headers.range, info.sizeBytes);
        if (range !== undefined) {
          reply.code(206).headers({
            'content-range': `bytes ${range.start}-${range.end}/${info.sizeBytes}`,
            'content-length': range.end - range.start + 1,
          });
        }
        if (request.method === 'HEAD') {
          return reply.send('');
        }
        const { data } = await objects.get(address, range);
        return reply.send(data);
      },
    );

    app.put(
      '/kiln/v1/objects/:bucket/*',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          operationId: 'putObject',
          summary: 'Store an object',
          tags,
          params,
          querystring,
          headers: Type.Object({
            'x-kiln-sha256': Type.Optional(Type.String({ description: 'SHA-256 that the data has to have' })),
            'x-kiln-md5': Type.Optional(Type.String({ description: 'MD5 that the data has to have' })),
          }),
          response: { 200: Stored },
        },
      },
      async (request) => {
        const address = addressFor('PUT', request);
        const sha256 = request.headers['x-kiln-sha256'];
        const md5 = request.headers['x-kiln-md5'];
        const info = await objects.put(address, request.body as Readable, {
          contentType: request.headers['content-type'] ?? 'application/octet-stream',
          expected: { ...(sha256 === undefined ? {} : { sha256 }), ...(md5 === undefined ? {} : { md5 }) },
        });
        return { size_bytes: info.sizeBytes, md5: info.md5, sha256: info.sha256, etag: info.etag };
      },
    );
  };
}

function headersOf(info: ObjectInfo) {
  return {
    'content-type': info.contentType,
    'content-length': info.sizeBytes,
    'accept-ranges': 'bytes',
    etag: `"${info.etag}"`,
    'last-modified': info.modified.toUTCString(),
  };
}
