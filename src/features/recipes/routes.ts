/** Recipes over HTTP. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ArchitectureSchema, Id } from '../../contract/common.ts';
import { distributionWarning } from '../../contract/distributions.ts';
import { listQuery, NEXT_CURSOR } from '../../contract/listing.ts';
import { Recipe, RecipeCreate, RecipeUpdate } from '../../contract/recipes.ts';
import { IDEMPOTENCY_HEADERS, type Once } from '../requests/index.ts';
import type { DeletedRecipeService } from './deleted.ts';
import type { RecipeService } from './service.ts';

const tags = ['recipes'];
const params = Type.Object({ id: Id('Identifier of the recipe') });

export interface RecipeRoutesDeps {
  readonly once: Once;
  readonly recipes: RecipeService;
  readonly deletedRecipes: DeletedRecipeService;
}

export function recipeRoutes({ once, recipes, deletedRecipes }: RecipeRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/recipes',
      {
        schema: {
          operationId: 'listRecipes',
          summary: 'List all recipes in the order of their registration',
          tags,
          querystring: Type.Object({
            ...listQuery,
            arch: Type.Optional(ArchitectureSchema),
            linux_distribution: Type.Optional(Type.String({ description: 'Distribution' })),
          }),
          response: { 200: Type.Array(Recipe, { description: 'All recipes' }) },
        },
      },
      async (request, reply) => {
        const { records, nextCursor } = await recipes.page(request.query, {
          fields: {
            arch: request.query.arch,
            linux_distribution: request.query.linux_distribution,
          },
        });
        if (nextCursor !== undefined) {
          void reply.header(NEXT_CURSOR, nextCursor);
        }
        return records;
      },
    );
    app.post(
      '/kiln/v1/recipes',
      {
        schema: {
          operationId: 'createRecipe',
          summary:
            'Register a recipe; its archive may follow. A header x-kiln-warning tells of what looks odd',
          tags,
          headers: IDEMPOTENCY_HEADERS,
          body: RecipeCreate,
          response: { 201: Recipe },
        },
      },
      async (request, reply) => {
        const { body, headers } = request;
        const record = await once(headers['idempotency-key'], {
          noun: 'recipes',
          body,
          find: recipes.get,
          create: (id) => recipes.create(body, undefined, id),
        });
        const warning = distributionWarning(record.linux_distribution);
        if (warning !== undefined) {
          void reply.header('x-kiln-warning', warning);
        }
        return reply.code(201).send(record);
      },
    );
    app.get(
      '/kiln/v1/recipes/:id',
      {
        schema: {
          operationId: 'getRecipe',
          summary: 'Describe a recipe',
          tags,
          params,
          response: { 200: Recipe },
        },
      },
      async (request) => recipes.get(request.params.id),
    );
    app.patch(
      '/kiln/v1/recipes/:id',
      {
        schema: {
          operationId: 'updateRecipe',
          summary: 'Change a recipe; its link can be set once',
          tags,
          params,
          body: RecipeUpdate,
          response: { 200: Recipe },
        },
      },
      async (request) => recipes.update(request.params.id, request.body),
    );
    app.delete(
      '/kiln/v1/recipes/:id',
      {
        schema: {
          operationId: 'deleteRecipe',
          summary: 'Delete a recipe and its archive; they can be had back until they are purged',
          tags,
          params,
          response: { 204: Type.Null({ description: 'The recipe is deleted' }) },
        },
      },
      async (request, reply) => {
        await deletedRecipes.bury(request.params.id, { unlessUsed: true });
        return reply.code(204).send(null);
      },
    );
    await app.register(archiveRoutes({ recipes }));
  };
}

/** Apart, because archives are streamed: their bodies are never parsed. */
function archiveRoutes({ recipes }: { recipes: RecipeService }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.put(
      '/kiln/v1/recipes/:id/archive',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          operationId: 'uploadRecipeArchive',
          summary: 'Upload the archive of a recipe: a tar, plain or compressed with gzip, bzip2, xz or zstd',
          tags,
          params,
          headers: Type.Object({
            'x-kiln-sha256': Type.Optional(
              Type.String({ description: 'SHA-256 that the archive has to have' }),
            ),
          }),
          response: { 200: Recipe },
        },
      },
      async (request) => {
        const sha256 = request.headers['x-kiln-sha256'];
        return await recipes.uploadArchive(
          request.params.id,
          request.body as Readable,
          sha256 === undefined ? {} : { sha256 },
        );
      },
    );
  };
}
