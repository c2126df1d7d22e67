/** Export and import over HTTP. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { IMPORT_MODES, ImportReport } from '../../contract/exchange.ts';
import type { Exchange } from './service.ts';

export interface ExchangeRoutesDeps {
  readonly exchange: Exchange;
}

const TAR = 'application/x-tar';

export function exchangeRoutes({ exchange }: ExchangeRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    app.get(
      '/kiln/v1/export',
      {
        schema: {
          operationId: 'exportAll',
          summary:
            'Everything that the service keeps, as one tar: records with ids and dates, and their objects',
          tags: ['exchange'],
        },
      },
      async (_request, reply) => reply.type(TAR).send(await exchange.export()),
    );

    app.post(
      '/kiln/v1/import',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          operationId: 'importAll',
          summary: 'Take over such a tar, or the data of another image management service',
          tags: ['exchange'],
          querystring: Type.Object({
            mode: Type.Enum([...IMPORT_MODES], {
              default: 'add',
              description:
                'add: what is there stays; update: it becomes as in the archive; overwrite: and what the archive ' +
                'does not have is deleted for good; soft_overwrite: so that it can be had back',
            }),
            dry_run: Type.Boolean({ default: false, description: 'Only say what would be done' }),
          }),
          response: { 200: ImportReport },
        },
      },
      async (request) =>
        await exchange.import(request.body as Readable, request.query.mode, request.query.dry_run),
    );
  };
}
