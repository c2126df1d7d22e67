/** Registers recipes and uploads their archives: either all of it is there afterwards, or nothing. */
import { isDeepStrictEqual } from 'node:util';
import type { Recipe, RecipeCreate } from '../contract/recipes.ts';
import type { CommandContext } from './context.ts';
import { type PackedRecipe, packRecipe } from './pack.ts';

/**
 * Registers a recipe with what is at `from`, a folder or an archive; when the upload fails or is interrupted, the
 * record goes again. With `reuse` a recipe that is there already with the same fields and archive is given instead.
 */
export async function registerRecipe(
  context: CommandContext,
  request: RecipeCreate,
  options: { from: string; reuse: boolean; signal: AbortSignal },
): Promise<Recipe> {
  const archive = await packRecipe(options.from);
  try {
    const known = options.reuse ? await findSame(context, request, archive) : undefined;
    if (known !== undefined) {
      context.say(`recipe ${known.id} is the same already`);
      return known;
    }
    options.signal.throwIfAborted();
    const recipe = await context.client.recipes.create(request);
    try {
      return await send(context, recipe.id, archive, options.signal);
    } catch (error) {
      await context.client.recipes.delete(recipe.id).catch(() => {
        context.say(`the record could not be removed again; do it with: kiln recipes delete ${recipe.id}`);
      });
      throw error;
    }
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}

export async function uploadRecipe(
  context: CommandContext,
  id: string,
  options: { from: string; signal: AbortSignal },
): Promise<Recipe> {
  const archive = await packRecipe(options.from);
  try {
    return await send(context, id, archive, options.signal);
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}

function send(context: CommandContext, id: string, archive: PackedRecipe, signal: AbortSignal) {
  const { sizeBytes, sha256 } = archive;
  const body = archive.body('uploading the recipe', process.stderr);
  return context.client.recipes.uploadArchive(id, { body, sizeBytes, sha256 }, signal);
}

/** Fields that the request leaves out are the service's choice, and no reason for another recipe. */
async function findSame(
  context: CommandContext,
  request: RecipeCreate,
  archive: PackedRecipe,
): Promise<Recipe | undefined> {
  const recipes = await context.client.recipes.list();
  return recipes.find(
    (recipe) =>
      recipe.link?.etag === archive.md5 &&
      isDeepStrictEqual(recipe.template_dictionary, request.template_dictionary ?? []) &&
      Object.entries(request).every(([field, value]) =>
        isDeepStrictEqual(recipe[field as keyof RecipeCreate], value),
      ),
  );
}
