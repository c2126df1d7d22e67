/**
 * `kiln recipes install`: the recipes that ship with Kiln as records of the service, one for each architecture. It
 * can be repeated at will: what is the same stays, other values are changed in place, and a recipe with another
 * archive takes the place of the record before it, which goes to the deleted ones and can be had back.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { Architecture, KeyValue } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import type { Recipe, RecipeCreate } from '../contract/recipes.ts';
import type { CommandContext } from './context.ts';
import { packRecipe } from './pack.ts';
import { registerRecipe } from './recipe-upload.ts';
import { type ShippedRecipe, valuesFor } from './shipped-recipes.ts';

/** Among the values of a recipe: what it was made of, so that it is known again. No template uses it. */
export const CONTENT_KEY = 'KILN_RECIPE_CONTENT';

export type InstallAction = 'created' | 'replaced' | 'values changed' | 'unchanged';

export interface Installed {
  readonly name: string;
  readonly linux_distribution: string;
  readonly arch: Architecture;
  readonly action: InstallAction;
  /** Null on a dry run that would make it. */
  readonly id: string | null;
}

export interface InstallOptions {
  readonly values: ReadonlyMap<string, string>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Installs one recipe for one architecture. */
export async function installRecipe(
  context: CommandContext,
  shipped: ShippedRecipe,
  arch: Architecture,
  { values, dryRun, signal }: InstallOptions,
): Promise<Installed> {
  const name = `${shipped.name}-${arch}`;
  const { linux_distribution } = shipped.about;
  const content = await contentOf(shipped.folder);
  const request: RecipeCreate = {
    name,
    linux_distribution,
    arch,
    recipe_type: 'kiwi-ng',
    template_dictionary: [...valuesFor(shipped.about, arch, values), { key: CONTENT_KEY, value: content }],
  };
  const before = await installedOf(context, request);
  const same = before.find((recipe) => contentValue(recipe.template_dictionary) === content);
  const result = (action: InstallAction, id: string | null): Installed => ({
    name,
    linux_distribution,
    arch,
    action,
    id,
  });
  if (same !== undefined) {
    const changed = !isDeepStrictEqual(same.template_dictionary, request.template_dictionary);
    if (!dryRun) {
      if (changed) {
        const template_dictionary = request.template_dictionary ?? [];
        await context.client.recipes.update(same.id, { template_dictionary });
      }
      await retire(context, before, same);
    }
    return result(changed ? 'values changed' : 'unchanged', same.id);
  }
  const action = before.length === 0 ? 'created' : 'replaced';
  if (dryRun) {
    return result(action, null);
  }
  const made = await registerRecipe(context, request, { from: shipped.folder, reuse: false, signal });
  // Somebody may have done the same at the same time: then both keep the one that was first.
  const now = await installedOf(context, request);
  const kept = now.find((recipe) => contentValue(recipe.template_dictionary) === content) ?? made;
  await retire(context, now, kept);
  return result(action, kept.id);
}

/** What was installed before under this name, complete and oldest first. A recipe that somebody made is not among it. */
async function installedOf({ client }: CommandContext, wanted: RecipeCreate): Promise<Recipe[]> {
  const recipes = await client.recipes.list();
  return recipes.filter(
    ({ name, arch, link, template_dictionary }) =>
      name === wanted.name &&
      arch === wanted.arch &&
      link !== null &&
      contentValue(template_dictionary) !== undefined,
  );
}

async function retire(context: CommandContext, recipes: readonly Recipe[], kept: Recipe): Promise<void> {
  for (const { id, name } of recipes) {
    if (id === kept.id) {
      continue;
    }
    try {
      await context.client.recipes.delete(id);
      context.say(`${name}: ${id} went to the deleted recipes, ${kept.id} is in its place`);
    } catch (error) {
      if (!(error instanceof KilnError && ['recipe-in-use', 'recipe-not-found'].includes(error.code))) {
        throw error;
      }
      if (error.code === 'recipe-in-use') {
        context.say(
          `${name}: a job still builds from ${id}; install again when it is over, to have it removed`,
        );
      }
    }
  }
}

function contentValue(dictionary: readonly KeyValue[]): string | undefined {
  return dictionary.find(({ key }) => key === CONTENT_KEY)?.value;
}

/** SHA-256 of what is packed, before it is compressed: compressors differ, the content does not. */
async function contentOf(folder: string): Promise<string> {
  const archive = await packRecipe(folder);
  try {
    const hash = createHash('sha256');
    const silent = { write: () => true };
    for await (const chunk of Readable.fromWeb(archive.body('', silent)).pipe(createGunzip())) {
      hash.update(chunk);
    }
    return hash.digest('hex');
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}
