/** The HTTP application: what all routes share. The routes themselves come from their rooms. */
import etag from '@fastify/etag';
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  fastify,
  LogController,
} from 'fastify';
import type { Log } from '../platform/log.ts';
import { installHostCheck } from './loopback.ts';
import { installOpenApi } from './openapi.ts';
import { installProblems } from './problems.ts';
import { type ServiceRoutesDeps, serviceRoutes } from './service-routes.ts';
import { compileValidator } from './validation.ts';

export interface AppOptions extends ServiceRoutesDeps {
  readonly log: Log;
  /** Those of the native API. */
  readonly routes: readonly FastifyPluginAsyncTypebox[];
  /** Other wires over the same services; they share nothing of the native one but the port. */
  readonly wires?: readonly FastifyPluginAsync[];
}

const BODY_LIMIT_BYTES = 1024 * 1024;

export async function createApp(options: AppOptions) {
  const logger: FastifyBaseLogger = options.log;
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: options.log.level !== 'debug' }),
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: () => crypto.randomUUID(),
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(compileValidator);
  installProblems(app, options.log);
  installHostCheck(app);
  await installOpenApi(app, options.version);
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  await typed.register(async (native) => {
    // Whoever asks again with If-None-Match is only told that nothing has changed.
    await native.register(etag, { weak: true });
    for (const plugin of [serviceRoutes(options), ...options.routes]) {
      await native.register(plugin);
    }
  });
  for (const wire of options.wires ?? []) {
    await app.register(wire);
  }
  return app;
}
