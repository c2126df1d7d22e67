/** `kiln public-keys`: keys that open the shell of a job. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { PublicKey } from '../contract/public-keys.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { type NameFlag, nameOf, withName } from './name-argument.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';

const COLUMNS: readonly Column<PublicKey>[] = [
  { title: 'ID', value: (key) => key.id },
  { title: 'NAME', value: (key) => key.name },
  { title: 'KEY', value: (key) => `${key.public_key.trim().slice(0, 40)}…` },
  { title: 'CREATED', value: (key) => key.created },
];

export function addPublicKeys(program: Command): void {
  const keys = program.command('public-keys').description('public SSH keys that open the shell of a job');
  addListDescribeDelete<PublicKey>(keys, {
    noun: 'public-keys',
    singular: 'public key',
    columns: COLUMNS,
    list: ({ client }) => client.publicKeys.list(),
    get: ({ client }, id) => client.publicKeys.get(id),
    delete: ({ client }, id) => client.publicKeys.delete(id),
    goesWithIt: '',
  });
  withCommonOptions(withName(keys.command('create')))
    .requiredOption('--public-key <file>', 'file that holds the key, for example ~/.ssh/id_ed25519.pub')
    .description('register a public key')
    .action(
      async (argument: string | undefined, options: CommonOptions & NameFlag & { publicKey: string }) => {
        const context = contextOf(options);
        const name = nameOf(argument, options);
        const public_key = await readFile(options.publicKey, 'utf8');
        context.print(await context.client.publicKeys.create({ name, public_key }), COLUMNS);
      },
    );
  withCommonOptions(keys.command('update').argument('<id>'))
    .requiredOption('--name <name>', 'new name')
    .description('rename a public key')
    .action(async (id: string, options: CommonOptions & { name: string }) => {
      const context = contextOf(options);
      context.print(await context.client.publicKeys.update(id, { name: options.name }), COLUMNS);
    });
}
