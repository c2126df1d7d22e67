/** `kiln authority`: the certificates that builds and images trust, and the change from one root to the next. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Authority, AuthorityRoot } from '../contract/authority.ts';
import { confirmed } from './confirm.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';

type ChangeOptions = CommonOptions & { yes?: boolean; dryRun?: boolean };

/** A line of the table: a root, another certificate that is trusted, or that of the server. */
interface Row {
  readonly id: string;
  readonly role: string;
  readonly subject: string;
  readonly ends: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: (row) => row.id },
  { title: 'ROLE', value: (row) => row.role },
  { title: 'ENDS', value: (row) => row.ends },
  { title: 'SUBJECT', value: (row) => row.subject },
];

export function addAuthority(program: Command): void {
  const authority = program.command('authority').description('certificates that builds and images trust');
  withCommonOptions(authority.command('show').alias('describe'))
    .description('show the roots, what is trusted besides, and the certificate of the package server')
    .addHelpText('after', '\nExample:\n  kiln authority show --format yaml')
    .action(async (options: CommonOptions) => {
      const context = contextOf(options);
      print(context, await context.client.authority.get());
    });
  withCommonOptions(authority.command('export'))
    .option('--output <file>', 'where to write them; standard output unless given')
    .description('write all certificates that builds and images trust, as PEM')
    .addHelpText('after', '\nExample:\n  kiln authority export --output platform-ca.pem')
    .action(async (options: CommonOptions & { output?: string }) => {
      const pem = await contextOf(options).client.authority.certificates();
      if (options.output === undefined) {
        process.stdout.write(pem);
      } else {
        await writeFile(options.output, pem);
      }
    });
  withCommonOptions(authority.command('rotate'))
    .description('make the next root: new builds and images trust it beside the current one')
    .addHelpText('after', '\nExample:\n  kiln authority rotate')
    .action(async (options: CommonOptions) => {
      const context = contextOf(options);
      print(context, await context.client.authority.rotate());
    });
  addActivate(authority);
  addRetire(authority);
}

function addActivate(authority: Command): void {
  changing(authority.command('activate'))
    .description('let the next root sign the server certificate; the one that did stays trusted')
    .addHelpText('after', '\nExample:\n  kiln authority activate --dry-run')
    .action(async (options: ChangeOptions) => {
      const context = contextOf(options);
      const { roots } = await context.client.authority.get();
      const next = roots.find(({ role }) => role === 'next');
      const question =
        next === undefined
          ? 'Activate the next root?'
          : `Let ${nameOf(next)} sign the server certificate? Images that were built before it was made do not trust it.`;
      if (next !== undefined && options.dryRun) {
        context.say(`would activate ${nameOf(next)}`);
        return;
      }
      if (await confirmed(question, options.yes)) {
        print(context, await context.client.authority.activate());
      }
    });
}

function addRetire(authority: Command): void {
  changing(authority.command('retire').argument('<id>'))
    .description('trust a previous root no more, or give up the next one')
    .addHelpText('after', '\nExample:\n  kiln authority retire 3f0c9a1b2c3d4e5f --dry-run')
    .action(async (id: string, options: ChangeOptions) => {
      const context = contextOf(options);
      const { roots } = await context.client.authority.get();
      const root = roots.find((each) => each.id === id);
      if (root === undefined) {
        const ids = roots.map((each) => `${each.id} (${each.role})`).join(', ');
        throw new UsageError(`there is no root ${id}; there are ${ids === '' ? 'none' : ids}`);
      }
      if (options.dryRun) {
        context.say(`would retire ${nameOf(root)}`);
        return;
      }
      if (
        await confirmed(`Retire ${nameOf(root)}? New builds and images do not trust it then.`, options.yes)
      ) {
        await context.client.authority.retire(id);
        context.say(`retired ${nameOf(root)}`);
      }
    });
}

function changing(command: Command): Command {
  return withCommonOptions(command)
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be done, and do nothing');
}

function print(context: CommandContext, authority: Authority): void {
  if (context.format === 'table') {
    context.print(rowsOf(authority), COLUMNS);
  } else {
    context.print(authority, []);
  }
}

function rowsOf({ roots, also_trusted, server_certificate: server }: Authority): Row[] {
  return [
    ...roots.map(({ id, role, subject, not_after }) => ({ id, role, subject, ends: not_after })),
    ...also_trusted.map(({ sha256_fingerprint, subject, not_after }) => ({
      id: sha256_fingerprint.slice(0, 16),
      role: 'also trusted',
      subject,
      ends: not_after,
    })),
    {
      id: server.sha256_fingerprint.slice(0, 16),
      role: 'server',
      subject: server.names.join(', '),
      ends: server.not_after,
    },
  ];
}

function nameOf({ id, role, subject }: AuthorityRoot): string {
  return `the ${role} root ${id} (${subject})`;
}
