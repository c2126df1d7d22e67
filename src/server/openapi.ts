/**
 * The API description: OpenAPI 3.1 made from the schemas of the routes. Schemas with a name are listed once, as
 * components; every route gets the problem document as its answer to failure.
 */

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

import { PROBLEM_MEDIA_TYPE, Problem } from '../contract/problem.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export async function installOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Kiln',
        version,
        description: 'Image management: recipes in, images that boot over the network out.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'recipes', description: 'Compressed Kiwi-NG image descriptions' },
        { name: 'images', description: 'What a compute node boots' },
        { name: 'jobs', description: 'Builds: steps, progress, log, result' },
        { name: 'inspections', description: 'Recipes looked at without building them' },
        { name: 'public-keys', description: 'Keys that open the shell of a job' },
        { name: 'nodes', description: 'Remote machines that jobs can run on' },
        { name: 'authority', description: 'Certificates that builds and images trust' },
        { name: 'deleted', description: 'What was deleted and can be had back' },
        { name: 'events', description: 'Everything that changes' },
        { name: 'objects', description: 'Signed addresses of artifacts and archives' },
        { name: 'exchange', description: 'Everything at once: export, import, taking over another service' },
        { name: 'runner', description: 'What runners report' },
        { name: 'service', description: 'Health and version' },
      ],
    },
    transform: ({ schema, url }) => ({ schema: marked(schema), url }),
    transformObject: (document) => withComponents('openapiObject' in document ? document.openapiObject : {}),
  });
  await app.register(swaggerUi, { routePrefix: '/kiln/v1/docs' });
  app.get('/kiln/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

const NAME_MARK = 'x-kiln-name';

/**
 * Notes names where the plugin leaves them alone: a schema with an `$id` it would number by itself, and one that
 * is a whole body or answer it would write out in full.
 */
function marked<T extends object>(schema: T): T {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$id' in value)) {
      return value;
    }
    const { $id, ...rest } = value;
    return { ...rest, [NAME_MARK]: $id };
  });
}

/** Moves every schema with a name to the components, and adds the answer to failure. */
function withComponents(document: object): object {
  const schemas: Record<string, Json> = {};
  const hoist = (value: Json): Json => {
    if (Array.isArray(value)) {
      return value.map(hoist);
    }
    if (value === null || typeof value !== 'object') {
      return value;
    }
    const { [NAME_MARK]: name, ...rest } = value;
    const hoisted = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, hoist(inner)]));
    if (typeof name !== 'string') {
      return hoisted;
    }
    schemas[name] = hoisted;
    return { $ref: `#/components/schemas/${name}` };
  };
  const plain: Json = JSON.parse(JSON.stringify(document));
  const problem = hoist(JSON.parse(JSON.stringify(marked(Problem))));
  const hoisted = hoist(plain) as { [key: string]: Json };
  for (const operations of Object.values(
    hoisted['paths'] as Record<string, Record<string, { responses?: object }>>,
  )) {
    for (const operation of Object.values(operations)) {
      operation.responses = {
        ...operation.responses,
        default: { description: 'Why it failed', content: { [PROBLEM_MEDIA_TYPE]: { schema: problem } } },
      };
    }
  }
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...hoisted, components: { ...(hoisted['components'] as object), schemas: sorted } };
}
