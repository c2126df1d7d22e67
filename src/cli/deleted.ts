/** `kiln deleted`: what was deleted: look at it, take it back, or remove it for good. */
import type { Command } from 'commander';
import type { KilnClient } from '../client/index.ts';
import type { DeletedImage, DeletedPublicKey, DeletedRecipe } from '../contract/deleted.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';

type Deleted = DeletedImage | DeletedRecipe | DeletedPublicKey;

const COLUMNS: readonly Column<Deleted>[] = [
  { title: 'ID', value: (record) => record.id },
  { title: 'NAME', value: (record) => record.name },
  { title: 'CREATED', value: (record) => record.created },
  { title: 'DELETED', value: (record) => record.deleted },
];

interface DeletedCalls {
  list(): Promise<Deleted[]>;
  get(id: string): Promise<Deleted>;
  undelete(id: string): Promise<object>;
  purge(id: string): Promise<void>;
}

export function addDeleted(program: Command): void {
  const deleted = program
    .command('deleted')
    .description('deleted images, recipes and public keys: take them back, or remove them for good');
  addNoun(deleted, 'images', 'image', (client) => client.deleted.images);
  addNoun(deleted, 'recipes', 'recipe', (client) => client.deleted.recipes);
  addNoun(deleted, 'public-keys', 'public key', (client) => client.deleted.publicKeys);
}

function addNoun(
  parent: Command,
  noun: string,
  singular: string,
  callsOf: (client: KilnClient) => DeletedCalls,
): void {
  const command = parent.command(noun).description(`deleted ${singular}s`);
  addListDescribeDelete<Deleted>(command, {
    noun: `deleted ${noun}`,
    singular: `deleted ${singular}`,
    columns: COLUMNS,
    list: ({ client }) => callsOf(client).list(),
    get: ({ client }, id) => callsOf(client).get(id),
    delete: ({ client }, id) => callsOf(client).purge(id),
    goesWithIt: ' for good, and all that belongs to it',
  });
  const undelete = async (ids: string[], options: CommonOptions): Promise<void> => {
    const context = contextOf(options);
    for (const id of ids) {
      await callsOf(context.client).undelete(id);
      context.say(`took back ${singular} ${id}`);
    }
  };
  withCommonOptions(command.command('undelete').argument('<id...>'))
    .description(`take back deleted ${singular}s under their old ids`)
    .addHelpText('after', `\nExample:\n  kiln deleted ${noun} undelete 7d1f…`)
    .action(undelete);
  withCommonOptions(command.command('update').argument('<id...>'))
    .requiredOption('--operation <operation>', 'what to do with them: undelete')
    .description('the same as undelete, as `cray ims deleted` has it')
    .addHelpText('after', `\nExample:\n  kiln deleted ${noun} update --operation undelete 7d1f…`)
    .action(async (ids: string[], options: CommonOptions & { operation: string }) => {
      onlyUndelete(options.operation);
      await undelete(ids, options);
    });
  withCommonOptions(command.command('updateall'))
    .requiredOption('--operation <operation>', 'what to do with them: undelete')
    .description(`take back all deleted ${singular}s`)
    .addHelpText('after', `\nExample:\n  kiln deleted ${noun} updateall --operation undelete`)
    .action(async (options: CommonOptions & { operation: string }) => {
      onlyUndelete(options.operation);
      const all = await callsOf(contextOf(options).client).list();
      await undelete(
        all.map(({ id }) => id),
        options,
      );
    });
}

function onlyUndelete(operation: string): void {
  if (operation !== 'undelete') {
    throw new UsageError(`--operation ${operation}: there is only undelete`);
  }
}
