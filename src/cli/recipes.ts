/** `kiln recipes`: register, upload, change, delete. */
import type { Command } from 'commander';
import { ARCHITECTURES, type Architecture, type KeyValue } from '../contract/common.ts';
import type { Recipe } from '../contract/recipes.ts';
import { formatBytes } from '../platform/bytes.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { packRecipe } from './pack.ts';

const COLUMNS: readonly Column<Recipe>[] = [
  { title: 'ID', value: (recipe) => recipe.id },
  { title: 'NAME', value: (recipe) => recipe.name },
  { title: 'DISTRIBUTION', value: (recipe) => recipe.linux_distribution },
  { title: 'ARCH', value: (recipe) => recipe.arch },
  { title: 'ARCHIVE', value: (recipe) => recipe.link?.path ?? '-' },
  { title: 'CREATED', value: (recipe) => recipe.created },
];

interface RecipeFlags extends CommonOptions {
  from?: string;
  linuxDistribution?: string;
  recipeType?: string;
  arch?: string;
  value?: string[];
  templateDictionaryKey?: string;
  templateDictionaryValue?: string;
  requireDkms?: string;
  name?: string;
}

export function addRecipes(program: Command): void {
  const recipes = program.command('recipes').description('recipes: compressed Kiwi-NG image descriptions');
  addListDescribeDelete<Recipe>(recipes, {
    singular: 'recipe',
    columns: COLUMNS,
    list: ({ client }) => client.recipes.list(),
    get: ({ client }, id) => client.recipes.get(id),
    delete: ({ client }, id) => client.recipes.delete(id),
    goesWithIt: ' and its archive',
  });

  withRecipeFlags(recipes.command('create').argument('<name>'))
    .description('register a recipe; with --from also pack and upload its folder')
    .addHelpText(
      'after',
      `
Examples:
  kiln recipes create compute --from ./compute --linux-distribution debian12
  kiln recipes create compute --from compute.tar.gz --linux-distribution sles15 --value RELEASE=1.4`,
    )
    .action(async (name: string, flags: RecipeFlags) => {
      const context = contextOf(flags);
      if (flags.linuxDistribution === undefined) {
        throw new UsageError('--linux-distribution is missing; for example debian12, sles15, rocky9');
      }
      context.print(await createRecipe(context, name, flags, flags.linuxDistribution), COLUMNS);
    });

  withRecipeFlags(recipes.command('update').argument('<id>'))
    .option('--name <name>', 'new name')
    .description('change a recipe; with --from upload its archive, which can be done once')
    .action(async (id: string, flags: RecipeFlags) => {
      const context = contextOf(flags);
      const values = valuesOf(flags);
      const change = {
        ...(flags.name === undefined ? {} : { name: flags.name }),
        ...(flags.linuxDistribution === undefined ? {} : { linux_distribution: flags.linuxDistribution }),
        ...(flags.arch === undefined ? {} : { arch: archOf(flags.arch) }),
        ...(values === undefined ? {} : { template_dictionary: values }),
        ...(flags.requireDkms === undefined ? {} : { require_dkms: booleanOf(flags.requireDkms) }),
      };
      if (Object.keys(change).length === 0 && flags.from === undefined) {
        throw new UsageError('say what to change; `kiln recipes update --help` lists it');
      }
      if (Object.keys(change).length > 0) {
        await context.client.recipes.update(id, change);
      }
      if (flags.from !== undefined) {
        await upload(context, id, flags.from);
      }
      context.print(await context.client.recipes.get(id), COLUMNS);
    });
}

function withRecipeFlags(command: Command): Command {
  return withCommonOptions(command)
    .option('--from <path>', 'folder of the description, or an archive of it')
    .option('--linux-distribution <id>', 'distribution, for example debian12, sles15, rocky9')
    .option('--recipe-type <type>', 'kiwi-ng (default) or packer')
    .option('--arch <arch>', ARCHITECTURES.join(' or '))
    .option('--value <key=value...>', 'value for the templates of the recipe; may be repeated')
    .option('--template-dictionary-key <keys>', 'keys of values, separated by commas')
    .option('--template-dictionary-value <values>', 'their values in the same order, separated by commas')
    .option('--require-dkms <boolean>', 'whether kernel modules are compiled during a build');
}

/** Registers and uploads; when the upload fails, the record goes again. */
async function createRecipe(
  context: CommandContext,
  name: string,
  flags: RecipeFlags,
  distribution: string,
): Promise<Recipe> {
  const archive = flags.from === undefined ? undefined : await packRecipe(flags.from);
  try {
    const values = valuesOf(flags);
    const recipe = await context.client.recipes.create({
      name,
      linux_distribution: distribution,
      ...(flags.recipeType === undefined ? {} : { recipe_type: flags.recipeType as Recipe['recipe_type'] }),
      ...(flags.arch === undefined ? {} : { arch: archOf(flags.arch) }),
      ...(values === undefined ? {} : { template_dictionary: values }),
      ...(flags.requireDkms === undefined ? {} : { require_dkms: booleanOf(flags.requireDkms) }),
    });
    if (archive === undefined) {
      return recipe;
    }
    context.say(`uploading ${formatBytes(archive.sizeBytes)}`);
    try {
      return await context.client.recipes.uploadArchive(recipe.id, { ...archive, body: archive.body() });
    } catch (error) {
      await context.client.recipes.delete(recipe.id);
      throw error;
    }
  } finally {
    await archive?.[Symbol.asyncDispose]();
  }
}

async function upload(context: CommandContext, id: string, from: string): Promise<void> {
  const archive = await packRecipe(from);
  try {
    await context.client.recipes.uploadArchive(id, { ...archive, body: archive.body() });
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}

/** Values of both ways of giving them; undefined when there are none. */
function valuesOf(flags: RecipeFlags): KeyValue[] | undefined {
  const pairs = (flags.value ?? []).map((pair): KeyValue => {
    const place = pair.indexOf('=');
    if (place < 1) {
      throw new UsageError(`--value ${pair}: it has to be KEY=VALUE`);
    }
    return { key: pair.slice(0, place), value: pair.slice(place + 1) };
  });
  const keys = flags.templateDictionaryKey?.split(',') ?? [];
  const values = flags.templateDictionaryValue?.split(',') ?? [];
  if (keys.length !== values.length) {
    throw new UsageError(`there are ${keys.length} template keys and ${values.length} values`);
  }
  const all = [...pairs, ...keys.map((key, index) => ({ key, value: values[index] ?? '' }))];
  return all.length === 0 ? undefined : all;
}

function archOf(text: string): Architecture {
  const arch = ARCHITECTURES.find((each) => each === text);
  if (arch === undefined) {
    throw new UsageError(`--arch ${text}: it is one of ${ARCHITECTURES.join(', ')}`);
  }
  return arch;
}

function booleanOf(text: string): boolean {
  if (text !== 'true' && text !== 'false') {
    throw new UsageError(`"${text}" is neither true nor false`);
  }
  return text === 'true';
}
