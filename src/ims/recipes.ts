/** Recipes on the reference's wire. */
import type { FastifyInstance } from 'fastify';
import { isKnownDistribution, REFERENCE_DISTRIBUTIONS } from '../contract/distributions.ts';
import { RECIPE_TYPES, type Recipe, type RecipeUpdate } from '../contract/recipes.ts';
import type { LinkCheck } from '../features/objects/index.ts';
import { sendJson, sendNothing } from './answers.ts';
import { readBody } from './body.ts';
import { forEachRecord } from './bulk.ts';
import { architecture, keyValues, link, withEtag } from './fields.ts';
import { linkToSet } from './links.ts';
import { mustBeStored } from './manifest.ts';
import { wireRecipe } from './records.ts';
import { cascadeOf, parameter, resource } from './resource.ts';
import { boolean, oneOf, text } from './scalars.ts';
import type { ImsServices } from './services.ts';
import { nullable, object, optional, type Reader, required, withDefault } from './validation.ts';

/** The words of the reference, and those of other distributions; it refuses what nobody knows, and so does this. */
const distribution: Reader<string> = (value) => {
  const name = text()(value);
  return isKnownDistribution(name) ? name : oneOf(REFERENCE_DISTRIBUTIONS)(name);
};

const newRecipe = object({
  name: required(text({ min: 1 })),
  recipe_type: required(oneOf(RECIPE_TYPES)),
  linux_distribution: required(distribution),
  link: optional(nullable(link)),
  template_dictionary: withDefault(nullable(keyValues), []),
  arch: withDefault(architecture, 'x86_64'),
  require_dkms: withDefault(boolean, true),
});

const recipeChange = object({
  link: optional(link),
  template_dictionary: optional(keyValues),
  arch: optional(architecture),
  require_dkms: optional(boolean),
});

/** `hard`: deletions are for good, as in v2 and at the unversioned addresses. */
export function recipeRoutes(
  app: FastifyInstance,
  { recipes, deletedRecipes, objects }: ImsServices,
  { hard }: { hard: boolean },
): void {
  const check: LinkCheck = (given) => mustBeStored(objects, given);

  const remove = (id: string, cascade: boolean) =>
    hard ? deletedRecipes.hardDelete(id, { cascade }) : deletedRecipes.bury(id, { unlessUsed: false });

  resource(app, '/recipes', {
    GET: async (_request, reply) => sendJson(reply, 200, (await recipes.list()).map(wireRecipe)),
    async POST(request, reply) {
      const given = readBody(request, newRecipe);
      const template_dictionary = given.template_dictionary ?? [];
      const recipe = await recipes.create(
        { ...given, template_dictionary, link: withEtag(given.link) },
        check,
      );
      return sendJson(reply, 201, wireRecipe(recipe));
    },
    async DELETE(request, reply) {
      const cascade = cascadeOf(request);
      await forEachRecord(await recipes.list(), ({ id }) => remove(id, cascade));
      return sendNothing(reply);
    },
  });

  resource(app, '/recipes/:id', {
    GET: async (request, reply) =>
      sendJson(reply, 200, wireRecipe(await recipes.get(parameter(request, 'id')))),
    async PATCH(request, reply) {
      const { id } = await recipes.get(parameter(request, 'id'));
      const { link: given, ...others } = readBody(request, recipeChange);
      const change = (before: Recipe): RecipeUpdate => ({ ...others, ...linkToSet(before, given) });
      const recipe = await recipes.update(id, change, check);
      return sendJson(reply, 200, wireRecipe(recipe));
    },
    async DELETE(request, reply) {
      await remove(parameter(request, 'id'), cascadeOf(request));
      return sendNothing(reply);
    },
  });
}
