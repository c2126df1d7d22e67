/** `kiln images run` and `kiln images edit`: images that come of another one by commands, playbooks, or a person's work. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { isOver } from '../client/index.ts';
import type { Change, PlaybookChange } from '../contract/customizations.ts';
import type { JobCreate } from '../contract/jobs.ts';
import { mustRun } from '../platform/exec.ts';
import { confirmed } from './confirm.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import { connect, openShellOf } from './job-shell.ts';
import { watch } from './job-watch.ts';
import type { CommonOptions } from './nouns.ts';
import { secretsOf } from './secrets.ts';
import { wholeNumberFrom } from './values.ts';

interface NewImageFlags extends CommonOptions {
  name?: string;
  buildEnvSize?: number;
}

interface RunFlags extends NewImageFlags {
  script?: string;
  playbook?: string;
  playbookFile?: string;
  limit?: string;
  var: string[];
  secret: string[];
}

interface EditFlags extends NewImageFlags {
  jail: boolean;
  yes?: boolean;
}

export function addRunAndEdit(images: Command): void {
  withNewImage(images.command('run').argument('<id>').argument('[command...]'))
    .description('make an image of another one by a playbook, a script, a command, in this order')
    .option(
      '--playbook <source>',
      'base, which ships; a git repository: URL or URL#BRANCH; or an archive in the object store: s3://ims/KEY',
    )
    .option('--playbook-file <path>', 'file of the playbook in its source; site.yml unless given')
    .option('--limit <pattern>', 'hosts or groups of the playbook: image, cfs_image, kiln_image')
    .option('--var <name=value>', 'variable of the playbook, JSON or text; may be repeated', collected, [])
    .option(
      '--secret <name=file>',
      'variable of the playbook and of the environment of script and command whose value is in a file, - for standard input; may be repeated',
      collected,
      [],
    )
    .option('--script <file>', 'shell script to run in the image, by its own sh -e')
    .addHelpText(
      'after',
      `
Examples:
  kiln images run 7d1f… -- systemctl enable systemd-networkd
  kiln images run 7d1f… --script harden.sh --name compute-hardened
  kiln images run 7d1f… --playbook s3://ims/plays/site.tar.gz --secret vault_token=./token
  kiln images run 7d1f… --playbook base --var 'kiln_dns={"servers": ["10.92.100.225"]}'`,
    )
    .action(async (id: string, command: string[], flags: RunFlags) => {
      const context = contextOf(flags);
      const changes = await changesOf(command, flags);
      if (changes.length === 0) {
        throw new UsageError('images run: nothing to do; give a command after --, --script or --playbook');
      }
      const job = await newImage(context, id, flags, { changes, secrets: await secretsOf(flags.secret) });
      context.say(`job ${job.id}`);
      await watch(context, flags, job.id);
    });
  withNewImage(images.command('edit').argument('<id>'))
    .description('make an image of another one in a shell, with a key that is made for it')
    .option('--no-jail', 'have the tools of Kiln, with the image at /mnt/image/image-root')
    .option('--yes', 'do not ask whether the work is good when the shell ends')
    .addHelpText('after', '\nExample:\n  kiln images edit 7d1f… --name compute-1.5')
    .action(async (id: string, flags: EditFlags) => edit(contextOf(flags), id, flags));
}

function withNewImage(command: Command): Command {
  return withCommonOptions(command)
    .option('--name <name>', 'name of the image that results; that of the other one unless given')
    .option('--build-env-size <gib>', 'disk space that the work may fill, in GiB', wholeNumberFrom(1));
}

function collected(value: string, before: string[]): string[] {
  return [...before, value];
}

async function changesOf(command: readonly string[], flags: RunFlags): Promise<Change[]> {
  const script = flags.script === undefined ? undefined : await readFile(flags.script, 'utf8');
  return [
    ...(flags.playbook === undefined ? [] : [playbookOf(flags.playbook, flags)]),
    ...(script === undefined
      ? []
      : [{ kind: 'command', name: flags.script ?? '', command: script } as const]),
    ...(command.length === 0 ? [] : [{ kind: 'command', command: command.join(' ') } as const]),
  ];
}

function playbookOf(source: string, flags: RunFlags): PlaybookChange {
  const [git = source, ref] = source.split('#');
  return {
    kind: 'playbook',
    source:
      source === 'base'
        ? { ships: source }
        : source.startsWith('s3://')
          ? { archive: source }
          : { git, ...(ref === undefined ? {} : { ref }) },
    ...(flags.playbookFile === undefined ? {} : { playbook: flags.playbookFile }),
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    extra_vars: Object.fromEntries(flags.var.map(variableOf)),
  };
}

function variableOf(text: string): [string, unknown] {
  const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) {
    throw new UsageError(`--var ${text}: it is NAME=VALUE`);
  }
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

async function newImage(
  { client }: CommandContext,
  id: string,
  flags: NewImageFlags,
  also: Pick<JobCreate, 'changes' | 'secrets' | 'public_key_id' | 'shell'>,
) {
  const name = flags.name ?? (await client.images.get(id)).name;
  return await client.jobs.create({
    job_type: 'customize',
    artifact_id: id,
    image_root_archive_name: name,
    ...(flags.buildEnvSize === undefined ? {} : { build_env_size: flags.buildEnvSize }),
    ...also,
  });
}

/** The key opens this shell alone, and is gone with this program. */
async function edit(context: CommandContext, id: string, flags: EditFlags): Promise<void> {
  const { client } = context;
  const folder = await mkdtemp(join(tmpdir(), 'kiln-edit-'));
  const file = join(folder, 'key');
  try {
    await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'kiln images edit', '-f', file]);
    const key = await client.publicKeys.create({
      name: `edit of ${id}`,
      public_key: await readFile(`${file}.pub`, 'utf8'),
    });
    const job = await newImage(context, id, flags, {
      public_key_id: key.id,
      shell: { jail: flags.jail },
    });
    context.say(`job ${job.id}; the image is made when the shell ends`);
    const shell = await openShellOf(context, job.id);
    await client.publicKeys.delete(key.id);
    const code = await connect(shell, [], file);
    if (!isOver(await client.jobs.get(job.id))) {
      const good = await confirmed(`The shell ended with code ${code}. Make the image?`, flags.yes);
      await client.jobs[good ? 'finish' : 'fail'](job.id).catch((error: unknown) =>
        context.say(String(error)),
      );
    }
    await watch(context, flags, job.id);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
