/** What the commands of every noun have in common: list, describe, delete. */
import type { Command } from 'commander';
import { confirmed } from './confirm.ts';
import { type CommandContext, contextOf, withCommonOptions } from './context.ts';
import type { Column } from './output.ts';

export interface Noun<T extends { id: string }> {
  /** The command, for example "recipes". */
  readonly noun: string;
  /** One of them, for example "recipe". */
  readonly singular: string;
  readonly columns: readonly Column<T>[];
  readonly list: (context: CommandContext) => Promise<T[]>;
  readonly get: (context: CommandContext, id: string) => Promise<T>;
  readonly delete: (context: CommandContext, id: string) => Promise<void>;
  /** What else goes with it, for the question before a deletion. */
  readonly goesWithIt: string;
  /** Whether its `deleteall` is another one. */
  readonly hasOwnDeleteAll?: boolean;
}

export interface CommonOptions {
  server?: string;
  format?: string;
}

export function addListDescribeDelete<T extends { id: string }>(parent: Command, noun: Noun<T>): void {
  withCommonOptions(parent.command('list').alias('ls'))
    .description(`list all ${noun.singular}s`)
    .addHelpText('after', `\nExample:\n  kiln ${noun.noun} list --format yaml`)
    .action(async (options: CommonOptions) => {
      const context = contextOf(options);
      context.print(await noun.list(context), noun.columns);
    });
  withCommonOptions(parent.command('describe').alias('get').argument('<id>'))
    .description(`show one ${noun.singular}`)
    .addHelpText('after', `\nExample:\n  kiln ${noun.noun} describe 7d1f…`)
    .action(async (id: string, options: CommonOptions) => {
      const context = contextOf(options);
      context.print(await noun.get(context, id), noun.columns);
    });
  withCommonOptions(
    parent
      .command('delete')
      .alias('rm')
      .argument('<id...>')
      .description(`delete ${noun.singular}s${noun.goesWithIt}`),
  )
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .addHelpText('after', `\nExample:\n  kiln ${noun.noun} delete 7d1f… 2f3c… --dry-run`)
    .action(async (ids: string[], options: DeleteOptions) => {
      const context = contextOf(options);
      await deleteRecords(context, noun, await Promise.all(ids.map((id) => noun.get(context, id))), options);
    });
  if (noun.hasOwnDeleteAll) {
    return;
  }
  withCommonOptions(parent.command('deleteall'))
    .description(`delete all ${noun.singular}s${noun.goesWithIt}`)
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .addHelpText('after', `\nExample:\n  kiln ${noun.noun} deleteall --dry-run`)
    .action(async (options: DeleteOptions) => {
      const context = contextOf(options);
      await deleteRecords(context, noun, await noun.list(context), options);
    });
}

type DeleteOptions = CommonOptions & { yes?: boolean; dryRun?: boolean };

async function deleteRecords<T extends { id: string }>(
  context: CommandContext,
  noun: Noun<T>,
  records: readonly T[],
  options: DeleteOptions,
): Promise<void> {
  const names = records.map((record) =>
    noun.columns
      .slice(0, 2)
      .map((column) => column.value(record))
      .join(' '),
  );
  if (names.length === 0) {
    context.say(`there is no ${noun.singular} to delete`);
    return;
  }
  if (options.dryRun) {
    context.say(`would delete:\n${names.map((name) => `  ${name}`).join('\n')}`);
    return;
  }
  if (!(await confirmed(`Delete ${names.join(', ')}${noun.goesWithIt}?`, options.yes))) {
    context.say('nothing was deleted');
    process.exitCode = 1;
    return;
  }
  for (const { id } of records) {
    await noun.delete(context, id);
    context.say(`deleted ${noun.singular} ${id}`);
  }
}
