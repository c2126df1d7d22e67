/** What is typed about a recipe, as the fields of its record. */
import type { Command } from 'commander';
import { ARCHITECTURES, type KeyValue } from '../contract/common.ts';
import { RECIPE_TYPES, type Recipe, type RecipeUpdate } from '../contract/recipes.ts';
import { UsageError, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import { archOf, oneOf, pairOf } from './values.ts';

export interface RecipeFlags extends CommonOptions {
  from?: string;
  linuxDistribution?: string;
  recipeType?: string;
  arch?: string;
  value?: string[];
  templateDictionaryKey?: string;
  templateDictionaryValue?: string;
  requireDkms?: string | boolean;
}

export function withRecipeFlags(command: Command): Command {
  return withCommonOptions(command)
    .option('--from <path>', 'folder of the description, or an archive of it')
    .option('--linux-distribution <id>', 'distribution, for example debian12, sles15, rocky9')
    .option('--arch <arch>', ARCHITECTURES.join(' or '))
    .option('--value <key=value...>', 'value for the templates of the recipe; may be repeated')
    .option('--template-dictionary-key <keys>', 'keys of values, separated by commas')
    .option('--template-dictionary-value <values>', 'their values in the same order, separated by commas')
    .option('--require-dkms [boolean]', 'whether kernel modules are compiled during a build');
}

/** The fields that flags name; those that none names are left out. Throws `UsageError`. */
export function recipeFields(flags: RecipeFlags): Omit<RecipeUpdate, 'name' | 'link'> {
  const values = valuesOf(flags);
  return {
    ...(flags.linuxDistribution === undefined ? {} : { linux_distribution: flags.linuxDistribution }),
    ...(flags.arch === undefined ? {} : { arch: archOf(flags.arch) }),
    ...(values === undefined ? {} : { template_dictionary: values }),
    ...(flags.requireDkms === undefined ? {} : { require_dkms: booleanOf(flags.requireDkms) }),
  };
}

export function recipeTypeOf(text: string): Recipe['recipe_type'] {
  return oneOf(RECIPE_TYPES, '--recipe-type', text);
}

/** Values of both ways of giving them; undefined when there are none. */
function valuesOf(flags: RecipeFlags): KeyValue[] | undefined {
  const pairs = (flags.value ?? []).map((text): KeyValue => {
    const [key, value] = pairOf('--value', text);
    return { key, value };
  });
  const keys = flags.templateDictionaryKey?.split(',') ?? [];
  const values = flags.templateDictionaryValue?.split(',') ?? [];
  if (keys.length !== values.length) {
    throw new UsageError(`there are ${keys.length} template keys and ${values.length} values`);
  }
  const all = [...pairs, ...keys.map((key, index) => ({ key, value: values[index] ?? '' }))];
  return all.length === 0 ? undefined : all;
}

function booleanOf(value: string | boolean): boolean {
  if (value === true || value === 'true') {
    return true;
  }
  if (value === 'false') {
    return false;
  }
  throw new UsageError(`--require-dkms ${value}: it is true or false`);
}
