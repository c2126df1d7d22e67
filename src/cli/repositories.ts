/** `kiln repositories`: package repositories that the service serves to builds and nodes. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type {
  Repository,
  RepositoryCreate,
  RepositoryFormat,
  RepositoryKind,
  RepositoryPackage,
  RepositoryUpdate,
} from '../contract/repositories.ts';
import { REPOSITORY_FORMATS, REPOSITORY_KINDS } from '../contract/repositories.ts';
import { formatBytes } from '../platform/bytes.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { addPackageCommands } from './repository-packages.ts';

/** Repositories are told apart by their names. */
type Row = Repository & { readonly id: string };

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'FORMAT', value: ({ format }) => format },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'PACKAGES', value: ({ status }) => String(status.packages) },
  { title: 'REVISION', value: ({ status }) => String(status.revision) },
  { title: 'STATE', value: ({ status }) => stateOf(status) },
];
export const PACKAGE_COLUMNS: readonly Column<RepositoryPackage>[] = [
  { title: 'PATH', value: ({ path }) => path },
  { title: 'SIZE', value: ({ size_bytes }) => formatBytes(size_bytes) },
  { title: 'STATE', value: ({ state, stored }) => (stored ? state : `${state}, not fetched`) },
];

const rowOf = (repository: Repository): Row =>
  Object.defineProperty({ ...repository }, 'id', { value: repository.name }) as Row;

function stateOf({ pending, problems, upstream_problem }: Repository['status']): string {
  const parts = [
    ...(pending > 0 ? [`${pending} pending`] : []),
    ...(problems.length > 0 ? [`${problems.length} left out`] : []),
    ...(upstream_problem === null ? [] : ['upstream away']),
  ];
  return parts.length === 0 ? 'ok' : parts.join(', ');
}

interface UpstreamFlags {
  upstream?: string;
  user?: string;
  passwordFile?: string;
  caFile?: string;
  refreshSeconds?: string;
}

interface CreateFlags extends CommonOptions, UpstreamFlags {
  packageFormat: string;
  kind: string;
  member?: string[];
  distribution?: string;
}

export function addRepositories(program: Command): void {
  const repositories = program
    .command('repositories')
    .alias('repos')
    .description('package repositories that this service serves as https://packages.local/repository/NAME/');
  addListDescribeDelete<Row>(repositories, {
    noun: 'repositories',
    singular: 'repository',
    columns: COLUMNS,
    list: async ({ client }) => (await client.repositories.list()).map(rowOf),
    get: async ({ client }, name) => rowOf(await client.repositories.get(name)),
    delete: ({ client }, name) => client.repositories.delete(name),
    goesWithIt: ' with all packages in it, for good',
  });
  addUpstreamFlags(withCommonOptions(repositories.command('create').argument('<name>')))
    .option('--kind <kind>', REPOSITORY_KINDS.join(', '), 'hosted')
    .option('--package-format <format>', REPOSITORY_FORMATS.join(', '), 'rpm')
    .option('--member <name...>', 'members of a group, the most important first')
    .option('--distribution <name>', 'distribution of a hosted apt repository, for example noble')
    .description('make a repository')
    .addHelpText(
      'after',
      `
Examples:
  kiln repositories create site
  kiln repositories create leap-oss --kind proxy --upstream https://mirror.example.com/leap/15.6/repo/oss
  kiln repositories create vendor --kind proxy --upstream https://vendor.example.com/rpm --user me --password-file token
  kiln repositories create compute --kind group --member site leap-oss
  kiln repositories create tools --package-format apt --distribution noble`,
    )
    .action(async (name: string, flags: CreateFlags) => {
      const context = contextOf(flags);
      context.print(rowOf(await context.client.repositories.create(await requestOf(name, flags))), COLUMNS);
    });
  addUpstreamFlags(withCommonOptions(repositories.command('update').argument('<name>')))
    .option('--member <name...>', 'all members of a group, the most important first')
    .description('change the upstream of a proxy or the members of a group')
    .addHelpText('after', '\nExample:\n  kiln repositories update vendor --password-file new-token')
    .action(async (name: string, flags: CommonOptions & UpstreamFlags & { member?: string[] }) => {
      const context = contextOf(flags);
      const upstream = await upstreamOf(flags);
      const change: RepositoryUpdate = {
        ...(flags.member === undefined ? {} : { members: flags.member }),
        ...(Object.keys(upstream).length === 0 ? {} : { upstream }),
      };
      context.print(rowOf(await context.client.repositories.update(name, change)), COLUMNS);
    });
  withCommonOptions(repositories.command('publish').argument('<name>'))
    .description('make a revision of what is pending, or ask the upstream anew, and wait for it')
    .addHelpText('after', '\nExample:\n  kiln repositories publish leap-oss')
    .action(async (name: string, flags: CommonOptions) => {
      const context = contextOf(flags);
      context.print(rowOf(await context.client.repositories.publish(name)), COLUMNS);
    });
  addPackageCommands(repositories, PACKAGE_COLUMNS);
}

function addUpstreamFlags(command: Command): Command {
  return command
    .option('--upstream <url>', 'address that a proxy fetches from')
    .option('--user <name>', 'user name for the upstream')
    .option('--password-file <file>', 'file with the password for the upstream; - for standard input')
    .option('--ca-file <file>', 'PEM certificates that the upstream is verified with')
    .option('--refresh-seconds <number>', 'how long the metadata of the upstream counts as fresh');
}

async function requestOf(name: string, flags: CreateFlags): Promise<RepositoryCreate> {
  const { url, ...upstream } = await upstreamOf(flags);
  if (url === undefined && Object.keys(upstream).length > 0) {
    throw new UsageError('--user, --password-file, --ca-file and --refresh-seconds belong to --upstream');
  }
  return {
    name,
    kind: choiceOf('--kind', flags.kind, REPOSITORY_KINDS) satisfies RepositoryKind,
    format: choiceOf('--package-format', flags.packageFormat, REPOSITORY_FORMATS) satisfies RepositoryFormat,
    ...(url === undefined ? {} : { upstream: { url, ...upstream } }),
    ...(flags.member === undefined ? {} : { members: flags.member }),
    ...(flags.distribution === undefined ? {} : { distribution: flags.distribution }),
  };
}

async function upstreamOf(flags: UpstreamFlags) {
  const seconds = flags.refreshSeconds === undefined ? undefined : Number(flags.refreshSeconds);
  if (seconds !== undefined && !Number.isInteger(seconds)) {
    throw new UsageError(`--refresh-seconds ${flags.refreshSeconds}: it is a whole number of seconds`);
  }
  return {
    ...(flags.upstream === undefined ? {} : { url: flags.upstream }),
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(flags.passwordFile === undefined ? {} : { password: (await readText(flags.passwordFile)).trim() }),
    ...(flags.caFile === undefined ? {} : { ca_certificates: await readText(flags.caFile) }),
    ...(seconds === undefined ? {} : { refresh_seconds: seconds }),
  };
}

function readText(file: string): Promise<string> {
  return readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
}

function choiceOf<T extends string>(flag: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === value);
  if (choice === undefined) {
    throw new UsageError(`${flag} ${value}: it is one of ${choices.join(', ')}`);
  }
  return choice;
}
