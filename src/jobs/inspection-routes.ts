/** Inspections over HTTP: asked for as a job, answered as a report. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ArchitectureSchema, Id, KeyValue } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { InspectionCreate, InspectionReport } from '../contract/inspections.ts';
import { Job } from '../contract/jobs.ts';
import type { InspectionService } from './inspections.ts';

export interface InspectionRoutesDeps {
  readonly inspections: InspectionService;
}

const tags = ['inspections'];
const Values = Type.Array(KeyValue);

export function inspectionRoutes({ inspections }: InspectionRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/kiln/v1/inspections',
      {
        schema: {
          operationId: 'inspectRecipe',
          summary: 'Inspect a registered recipe without building it; the job that results ends with a report',
          tags,
          body: InspectionCreate,
          response: { 201: Job },
        },
      },
      async (request, reply) => reply.code(201).send(await inspections.ofRecipe(request.body)),
    );
    app.get(
      '/kiln/v1/jobs/:id/report',
      {
        schema: {
          operationId: 'getJobReport',
          summary: 'What an inspection found',
          tags,
          params: Type.Object({ id: Id('Identifier of the job') }),
          response: { 200: InspectionReport },
        },
      },
      async (request) => inspections.report(request.params.id),
    );
    await app.register(uploadRoute(inspections));
  };
}

/** Apart, because archives are streamed: their bodies are never parsed. */
function uploadRoute(inspections: InspectionService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.post(
      '/kiln/v1/inspections/archive',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          operationId: 'inspectArchive',
          summary:
            'Inspect an archive that becomes no recipe; it is deleted when the job that results is over',
          tags,
          querystring: Type.Object({
            schema_only: Type.Optional(
              Type.Boolean({ description: 'Look at templates and description alone' }),
            ),
            plan: Type.Optional(Type.Boolean({ description: 'Also find out what would be installed' })),
            arch: Type.Optional(ArchitectureSchema),
            values: Type.Optional(
              Type.String({ description: 'Values for the templates: JSON of a list of KeyValue' }),
            ),
          }),
          headers: Type.Object({
            'x-kiln-sha256': Type.Optional(
              Type.String({ description: 'SHA-256 that the archive has to have' }),
            ),
          }),
          response: { 201: Job },
        },
      },
      async (request, reply) => {
        const { values, ...options } = request.query;
        const sha256 = request.headers['x-kiln-sha256'];
        const job = await inspections.ofArchive(request.body as Readable, {
          ...options,
          values: valuesOf(values),
          ...(sha256 === undefined ? {} : { sha256 }),
        });
        return reply.code(201).send(job);
      },
    );
  };
}

function valuesOf(text: string | undefined): Static<typeof Values> {
  let values: unknown = [];
  try {
    values = text === undefined ? [] : JSON.parse(text);
  } catch (cause) {
    throw new KilnError('bad-request', 'values is not JSON', { cause });
  }
  if (!Value.Check(Values, values)) {
    throw new KilnError('bad-request', 'values is not a list of keys with their values');
  }
  return values;
}
