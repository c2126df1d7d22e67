/** What is typed about a recipe, as the fields of its record. */
import { type Command, Option } from 'commander';
import { ARCHITECTURES, type KeyValue } from '../contract/common.ts';
import { RECIPE_TYPES, type Recipe, type RecipeUpdate } from '../contract/recipes.ts';
import { UsageError, withCommonOptions } from './context.ts';
import { type LinkFlags, linkOf, withLinkFlags } from './link-flags.ts';
import type { CommonOptions } from './nouns.ts';
import { archOf, booleanOf, listOf, oneOf, pairOf } from './values.ts';

export interface RecipeFlags extends CommonOptions, LinkFlags {
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
  const from = new Option('--from <path>', 'folder of the description, or an archive of it');
  return withLinkFlags(withCommonOptions(command).addOption(from.conflicts('linkPath')), 'archive')
    .option('--linux-distribution <id>', 'distribution, for example debian12, sles15, rocky9')
    .option('--arch <arch>', ARCHITECTURES.join(' or '))
    .option('--value <key=value...>', 'value for the templates of the recipe; may be repeated')
    .option('--template-dictionary-key <keys>', 'keys of values, separated by commas')
    .option('--template-dictionary-value <values>', 'their values in the same order, separated by commas')
    .option('--require-dkms [boolean]', 'whether kernel modules are compiled during a build');
}

/** The fields that flags name; those that none names are left out. Throws `UsageError`. */
export function recipeFields(flags: RecipeFlags): Omit<RecipeUpdate, 'name'> {
  const values = valuesOf(flags);
  const link = linkOf(flags);
  return {
    ...(flags.linuxDistribution === undefined ? {} : { linux_distribution: flags.linuxDistribution }),
    ...(flags.arch === undefined ? {} : { arch: archOf(flags.arch) }),
    ...(values === undefined ? {} : { template_dictionary: values }),
    ...(flags.requireDkms === undefined
      ? {}
      : { require_dkms: booleanOf('--require-dkms', flags.requireDkms) }),
    ...(link === undefined ? {} : { link }),
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
  const keys = flags.templateDictionaryKey === undefined ? [] : listOf(flags.templateDictionaryKey);
  const values = flags.templateDictionaryValue === undefined ? [] : listOf(flags.templateDictionaryValue);
  if (keys.length !== values.length) {
    throw new UsageError(`there are ${keys.length} template keys and ${values.length} values`);
  }
  const all = [...pairs, ...keys.map((key, index) => ({ key, value: values[index] ?? '' }))];
  return all.length === 0 ? undefined : all;
}
