/** `kiln signing-keys`: keys that builds verify packages and repositories with. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { SigningKey } from '../contract/signing-keys.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';

const COLUMNS: readonly Column<SigningKey>[] = [
  { title: 'ID', value: (key) => key.id },
  { title: 'NAME', value: (key) => key.name },
  { title: 'FINGERPRINT', value: (key) => key.fingerprint },
  { title: 'EXPIRES', value: (key) => key.expires?.slice(0, 10) ?? 'never' },
];

export function addSigningKeys(program: Command): void {
  const keys = program
    .command('signing-keys')
    .description('OpenPGP keys that builds verify packages and repositories with');
  addListDescribeDelete<SigningKey>(keys, {
    noun: 'signing-keys',
    singular: 'signing key',
    columns: COLUMNS,
    list: ({ client }) => client.signingKeys.list(),
    get: ({ client }, id) => client.signingKeys.get(id),
    delete: ({ client }, id) => client.signingKeys.delete(id),
    goesWithIt: '',
  });
  withCommonOptions(
    keys
      .command('add')
      .alias('create')
      .argument('<file>', 'the public key, armored or binary; - for standard input'),
  )
    .option('--name <name>', 'name for people; what the key says of its owner unless given')
    .description('register a public key; the same key again is renewed')
    .addHelpText('after', '\nExample:\n  kiln signing-keys add RPM-GPG-KEY-Rocky-9 --name "Rocky Linux 9"')
    .action(async (file: string, options: CommonOptions & { name?: string }) => {
      const context = contextOf(options);
      const data = await readFile(file === '-' ? '/dev/stdin' : file);
      const armored = data.includes('-----BEGIN PGP');
      const key = await context.client.signingKeys.create({
        public_key: armored ? data.toString('utf8') : data.toString('base64'),
        ...(options.name === undefined ? {} : { name: options.name }),
      });
      context.print(key, COLUMNS);
    });
}
