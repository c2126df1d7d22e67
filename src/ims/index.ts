/**
 * The wire of the HPE Cray Image Management Service, v2, v3 and unversioned, over Kiln's own services. This room
 * alone knows its quirks: what it coerces, how it words refusals, which keys its records have.
 * `docs/compatibility.md` lists where Kiln does what that service meant and not what it does.
 */
import type { FastifyInstance } from 'fastify';
import { KilnError } from '../contract/errors.ts';
import { message, sendError, sendJson, wireErrorOf } from './answers.ts';
import { deletedRoutes } from './deleted.ts';
import { imageRoutes } from './images.ts';
import { jobRoutes } from './jobs.ts';
import { nodeRoutes } from './nodes.ts';
import { publicKeyRoutes } from './public-keys.ts';
import { recipeRoutes } from './recipes.ts';
import { type Handler, nothingAt, resource } from './resource.ts';
import type { ImsOptions, ImsServices } from './services.ts';

export type { ImsServices } from './services.ts';
export { convertTakeover } from './takeover.ts';

/** Where a gateway has the same addresses once more. */
const GATEWAY_PREFIX = '/apis/ims';

/** A Fastify plugin: to be registered once, without a prefix. Nothing of it reaches the rest of the application. */
export function imsRoutes(services: ImsServices, options: ImsOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    installAnswers(app);
    const { naming, now } = options;
    for (const base of ['', GATEWAY_PREFIX]) {
      for (const version of ['', '/v2', '/v3']) {
        await app.register(
          async (scope) => {
            const hard = version !== '/v3';
            imageRoutes(scope, services, { hard });
            recipeRoutes(scope, services, { hard });
            publicKeyRoutes(scope, services, { hard });
            jobRoutes(scope, services, { naming, now });
            if (!hard) {
              deletedRoutes(scope, services);
              nodeRoutes(scope, services);
            }
            nothingElse(scope, version === '' && base === '');
          },
          { prefix: `${base}${version}` },
        );
      }
    }
    serviceRoutes(app, options.version);
  };
}

/** Bodies stay bytes until a handler wants them, so that 404 and 405 come before what is wrong with a body. */
function installAnswers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => {
    const answer = wireErrorOf(error);
    if (answer.status >= 500) {
      const path = new URL(request.url, 'http://kiln').pathname;
      const err = answer.cause ?? error;
      request.log.error({ err, instance: request.id, method: request.method, path }, 'a request failed');
    } else if (error instanceof KilnError) {
      request.log.debug({ code: error.code, status: answer.status }, 'a request was refused');
    }
    return sendError(reply, answer);
  });
}

/** What lies below or beside the resources; at the root that is only what looks like one of them. */
function nothingElse(scope: FastifyInstance, isRoot: boolean): void {
  if (!isRoot) {
    nothingAt(scope, '/');
    nothingAt(scope, '/*');
    return;
  }
  for (const noun of ['images', 'recipes', 'public-keys', 'jobs']) {
    nothingAt(scope, `/${noun}/*`);
  }
  for (const noun of ['deleted', 'remote-build-nodes']) {
    nothingAt(scope, `/${noun}`);
    nothingAt(scope, `/${noun}/*`);
  }
}

/** Health and version as the reference answers them; at the root Kiln's own answers say more. */
function serviceRoutes(app: FastifyInstance, version: string): void {
  const refusal = () => message(405, 'The method is not allowed for the requested URL.');
  const answers = { '/version': { version }, '/healthz/ready': {}, '/healthz/live': {} };
  for (const [path, answer] of Object.entries(answers)) {
    const GET: Handler = async (_request, reply) => sendJson(reply, 200, answer);
    resource(app, `${GATEWAY_PREFIX}${path}`, { GET }, { refusal });
    resource(app, path, { GET }, { refusal, isElsewhere: true });
  }
}
