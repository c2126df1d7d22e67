/**
 * The door for runners on build nodes: the routes of runners, and objects by signed addresses, on a Unix socket. Whatever comes
 * through it has the token of a job that goes on; nothing else of the service is here.
 */
import { mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { KilnError } from '../contract/errors.ts';
import { JOB_HEADER } from '../contract/runner-door.ts';
import type { Log } from '../platform/log.ts';
import { installProblems } from './problems.ts';
import { compileValidator } from './validation.ts';

export interface DoorOptions {
  readonly log: Log;
  /** Unix socket; its folder is made for this user alone. */
  readonly path: string;
  readonly routes: readonly FastifyPluginAsyncTypebox[];
  /** Throws `unauthorized` unless the token is that of the job, and the job goes on. */
  readonly check: (jobId: string, token: string) => Promise<void>;
  /** Takes connections for packages. */
  readonly onUpgrade?: Parameters<Server['on']>[1];
}

export async function openDoor({ log, path, routes, check, onUpgrade }: DoorOptions) {
  const logger: FastifyBaseLogger = log;
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: log.level !== 'debug' }),
    genReqId: () => crypto.randomUUID(),
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(compileValidator);
  installProblems(app, log);
  app.addHook('onRequest', async ({ headers }) => {
    const job = headers[JOB_HEADER];
    const [, token] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
    if (typeof job !== 'string' || token === undefined) {
      throw new KilnError('unauthorized', 'a runner says which job it is of, and has its token');
    }
    await check(job, token);
  });
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  for (const plugin of routes) {
    await typed.register(plugin);
  }
  if (onUpgrade !== undefined) {
    app.server.on('upgrade', onUpgrade);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // An earlier process may have left it.
  await rm(path, { force: true });
  await app.listen({ path });
  return app;
}
