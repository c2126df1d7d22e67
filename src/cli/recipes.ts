/** `kiln recipes`: register, upload, change, delete. */
import type { Command } from 'commander';
import { distributionWarning } from '../contract/distributions.ts';
import type { Recipe } from '../contract/recipes.ts';
import { type CommandContext, contextOf, UsageError } from './context.ts';
import { interruptible } from './interrupt.ts';
import { type NameFlag, nameOf, withName } from './name-argument.ts';
import { addListDescribeDelete } from './nouns.ts';
import type { Column } from './output.ts';
import { type RecipeFlags, recipeFields, recipeTypeOf, withRecipeFlags } from './recipe-flags.ts';
import { addInspect } from './recipe-inspect.ts';
import { addInstall } from './recipe-install-command.ts';
import { registerRecipe, uploadRecipe } from './recipe-upload.ts';

const COLUMNS: readonly Column<Recipe>[] = [
  { title: 'ID', value: (recipe) => recipe.id },
  { title: 'NAME', value: (recipe) => recipe.name },
  { title: 'DISTRIBUTION', value: (recipe) => recipe.linux_distribution },
  { title: 'ARCH', value: (recipe) => recipe.arch },
  { title: 'ARCHIVE', value: (recipe) => recipe.link?.path ?? '-' },
  { title: 'CREATED', value: (recipe) => recipe.created },
];

export function addRecipes(program: Command): void {
  const recipes = program.command('recipes').description('recipes: compressed Kiwi-NG image descriptions');
  addListDescribeDelete<Recipe>(recipes, {
    noun: 'recipes',
    singular: 'recipe',
    columns: COLUMNS,
    list: ({ client }) => client.recipes.list(),
    get: ({ client }, id) => client.recipes.get(id),
    delete: ({ client }, id) => client.recipes.delete(id),
    goesWithIt: ' and its archive (`kiln deleted recipes` takes them back)',
  });

  withRecipeFlags(withName(recipes.command('create')))
    .option('--recipe-type <type>', 'kiwi-ng (default) or packer')
    .option('--reuse', 'give the recipe that is there already when its fields and its archive are the same')
    .description('register a recipe; with --from also pack and upload its folder')
    .addHelpText(
      'after',
      `
Everything in the folder goes into the archive, files that begin with a dot too; .git does not.
Examples:
  kiln recipes create compute --from ./compute --linux-distribution debian12
  kiln recipes create compute --from compute.tar.gz --linux-distribution sles15 --value RELEASE=1.4`,
    )
    .action(async (argument: string | undefined, flags: RecipeFlags & NameFlag & { reuse?: boolean }) => {
      const context = contextOf(flags);
      const name = nameOf(argument, flags);
      const { linux_distribution, ...fields } = recipeFields(flags);
      if (linux_distribution === undefined) {
        throw new UsageError('--linux-distribution is missing; for example debian12, sles15, rocky9');
      }
      warnOf(context, linux_distribution);
      const type = flags.recipeType === undefined ? {} : { recipe_type: recipeTypeOf(flags.recipeType) };
      const request = { name, linux_distribution, ...type, ...fields };
      const { from, reuse = false } = flags;
      const recipe =
        from === undefined
          ? await context.client.recipes.create(request)
          : await interruptible((signal) => registerRecipe(context, request, { from, reuse, signal }));
      context.print(recipe, COLUMNS);
    });

  withRecipeFlags(recipes.command('update').argument('<id>'))
    .option('--name <name>', 'new name')
    .description('change a recipe; with --from upload its archive, which can be done once')
    .addHelpText('after', '\nExample:\n  kiln recipes update 7d1f… --name compute-1.4 --value RELEASE=1.4')
    .action(async (id: string, flags: RecipeFlags & { name?: string }) => {
      const context = contextOf(flags);
      const change = { ...recipeFields(flags), ...(flags.name === undefined ? {} : { name: flags.name }) };
      warnOf(context, change.linux_distribution);
      const { from } = flags;
      if (Object.keys(change).length === 0 && from === undefined) {
        throw new UsageError('say what to change; `kiln recipes update --help` lists it');
      }
      if (from !== undefined) {
        await interruptible((signal) => uploadRecipe(context, id, { from, signal }));
      }
      if (Object.keys(change).length > 0) {
        await context.client.recipes.update(id, change);
      }
      context.print(await context.client.recipes.get(id), COLUMNS);
    });

  addInstall(recipes);
  addInspect(recipes);
}

function warnOf(context: CommandContext, distribution: string | undefined): void {
  const warning = distribution === undefined ? undefined : distributionWarning(distribution);
  if (warning !== undefined) {
    context.say(`warning: ${warning}`);
  }
}
