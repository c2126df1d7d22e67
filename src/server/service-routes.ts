/** Health and version, at the root, where probes look for them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Health, Version } from '../contract/service.ts';

export interface ServiceRoutesDeps {
  readonly version: string;
  /** Each looks at one thing that the service cannot work without; throws when it does not work. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
}

const tags = ['service'];

export function serviceRoutes({ version, checks }: ServiceRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/version',
      {
        schema: {
          operationId: 'getVersion',
          summary: 'Version of the service',
          tags,
          response: { 200: Version },
        },
      },
      async () => ({ version }),
    );
    app.get(
      '/healthz/live',
      {
        schema: {
          operationId: 'getLive',
          summary: 'Whether the process answers',
          tags,
          response: { 200: Health },
        },
      },
      async () => ({ status: 'ok' as const, checks: {} }),
    );
    app.get(
      '/healthz/ready',
      {
        schema: {
          operationId: 'getReady',
          summary: 'Whether the service can do its work: records and objects are looked at',
          tags,
          response: { 200: Health, 503: Health },
        },
      },
      async (request, reply) => {
        const results = await Promise.all(
          Object.entries(checks).map(async ([name, check]): Promise<[string, string]> => {
            try {
              await check();
              return [name, 'ok'];
            } catch (error) {
              request.log.error({ err: error, check: name }, 'a health check failed');
              return [name, 'failing; the service log has the reason'];
            }
          }),
        );
        const failing = results.some(([, result]) => result !== 'ok');
        return reply
          .code(failing ? 503 : 200)
          .send({ status: failing ? 'failing' : 'ok', checks: Object.fromEntries(results) });
      },
    );
  };
}
