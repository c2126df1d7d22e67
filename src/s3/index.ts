/**
 * The protocol of S3 over Kiln's own object store, for a service without an S3 service: as much of it as clients need
 * to put, get, list, copy and delete objects. `docs/s3.md` lists what there is and what there is not.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../platform/log.ts';
import { readBody } from './body.ts';
import type { Credentialer } from './credentials.ts';
import { errorDocument, s3ErrorOf } from './errors.ts';
import type { Uploads } from './multipart.ts';
import { operate } from './operations.ts';
import { readRequest } from './request.ts';
import { checkSignature } from './signature.ts';

export { type CredentialRoutesDeps, credentialRoutes, tokenRoutes } from './credential-routes.ts';
export { type Credentialer, createCredentialer } from './credentials.ts';

/** Clients take an endpoint with a path, such as `http://127.0.0.1:8080/s3`. */
export const S3_PREFIX = '/s3';

export interface S3Deps extends Uploads {
  readonly credentialer: Credentialer;
  readonly log: Log;
}

/** How often a client hears that work goes on: they give up after a minute of silence. */
const STILL_THERE_MS = 10_000;

export function s3Routes(deps: S3Deps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const url of [S3_PREFIX, `${S3_PREFIX}/*`]) {
      app.route({
        method: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
        url,
        bodyLimit: Number.MAX_SAFE_INTEGER,
        handler: async (request, reply) => await answer(request, reply, deps),
      });
    }
  };
}

async function answer(request: FastifyRequest, reply: FastifyReply, deps: S3Deps) {
  reply.header('x-amz-request-id', request.id);
  try {
    const read = readRequest(request.raw, S3_PREFIX);
    const signed = checkSignature(read, deps.credentialer, deps.now());
    const body = readBody(read, signed, (request.body as Readable | undefined) ?? request.raw);
    const {
      status,
      headers = {},
      body: sent,
    } = await operate({ request: read, requestId: request.id, body }, deps);
    reply.code(status).headers(headers);
    if (sent !== undefined && typeof sent === 'object' && 'finish' in sent) {
      return reply.send(Readable.from(whileWorking(sent.finish())));
    }
    return reply.send(sent ?? '');
  } catch (cause) {
    const error = s3ErrorOf(cause);
    if (error.code === 'InternalError') {
      deps.log.error({ err: cause, instance: request.id, method: request.method }, 'an S3 request failed');
    }
    reply.code(error.status).header('content-type', 'application/xml');
    const text = errorDocument(error, request.raw.url?.split('?')[0] ?? '', request.id);
    return reply.send(request.method === 'HEAD' ? '' : text);
  }
}

/** White space until the document is there: XML may begin with it only after the declaration, which comes first. */
async function* whileWorking(work: Promise<string>): AsyncGenerator<string> {
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield declaration;
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const tick = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), STILL_THERE_MS);
    });
    const done = await Promise.race([work, tick]);
    clearTimeout(timer);
    if (done !== undefined) {
      yield done.slice(declaration.length);
      return;
    }
    yield ' ';
  }
}
