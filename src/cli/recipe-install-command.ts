/** `kiln recipes install` as it is typed. */
import type { Command } from 'commander';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { type Installed, installRecipe } from './recipe-install.ts';
import { type ShippedRecipe, shippedRecipes } from './shipped-recipes.ts';
import { archOf, pairOf } from './values.ts';

interface InstallFlags extends CommonOptions {
  arch?: string;
  values?: string[];
  dryRun?: boolean;
}

const COLUMNS: readonly Column<Installed>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'DISTRIBUTION', value: ({ linux_distribution }) => linux_distribution },
  { title: 'ARCH', value: ({ arch }) => arch },
  { title: 'ACTION', value: ({ action }) => action },
  { title: 'ID', value: ({ id }) => id ?? '-' },
];

export function addInstall(recipes: Command): void {
  withCommonOptions(recipes.command('install').argument('[names...]', 'all that ship unless given'))
    .description('register the recipes that ship with Kiln, for both architectures; may be repeated')
    .option('--arch <arch>', 'only this architecture')
    .option('--values <key=value...>', 'values for their templates, such as REPOSITORY_BASE')
    .option('--dry-run', 'only say what would be done')
    .addHelpText(
      'after',
      `
What is there already stays as it is. Other values are changed in place; a recipe with other files takes the place of
the one before it, which goes to the deleted recipes.
Examples:
  kiln recipes install
  kiln recipes install rocky9-barebones --arch x86_64 --values REPOSITORY_BASE=https://nexus.example.org/repository`,
    )
    .action(async (names: string[], flags: InstallFlags) => {
      const context = contextOf(flags);
      const shipped = await shippedRecipes(names);
      const values = valuesOf(flags.values ?? [], shipped);
      const arch = flags.arch === undefined ? undefined : archOf(flags.arch);
      const dryRun = flags.dryRun === true;
      const done = await interruptible(async (signal) => {
        const results: Installed[] = [];
        for (const each of shipped) {
          for (const one of each.about.architectures.filter((a) => arch === undefined || a === arch)) {
            signal.throwIfAborted();
            const result = await installRecipe(context, each, one, { values, dryRun, signal });
            context.say(`${result.name}: ${dryRun ? 'would be ' : ''}${result.action}`);
            results.push(result);
          }
        }
        return results;
      });
      context.print(done, COLUMNS);
    });
}

/** Throws `UsageError` for a value that none of the recipes has. */
function valuesOf(texts: readonly string[], shipped: readonly ShippedRecipe[]): Map<string, string> {
  const values = new Map(texts.map((text) => pairOf('--values', text)));
  const known = new Set(shipped.flatMap(({ about }) => Object.keys(about.values)));
  const unknown = [...values.keys()].filter((key) => !known.has(key));
  if (unknown.length > 0) {
    throw new UsageError(
      `--values ${unknown.join(', ')}: these recipes have ${[...known].sort().join(', ')}`,
    );
  }
  return values;
}
