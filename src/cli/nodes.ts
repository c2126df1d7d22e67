/** `kiln nodes`: remote machines that build; `kiln remote-build-nodes` is the same, as the CSM manuals have it. */
import type { Command } from 'commander';
import type { BuildNode, BuildNodeCreate, BuildNodeStatus } from '../contract/nodes.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { nameOf } from './name-argument.ts';
import { addDoctor } from './node-doctor.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { pairOf, wholeNumberFrom } from './values.ts';

/** Nodes are told apart by their xname. */
type Row = BuildNode & { readonly id: string };

const COLUMNS: readonly Column<Row>[] = [
  { title: 'XNAME', value: (node) => node.xname },
  {
    title: 'ADDRESS',
    value: ({ address, port, user }) => (address === null ? '' : `${user}@${address}:${port}`),
  },
  {
    title: 'LABELS',
    value: ({ labels }) =>
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(','),
  },
  { title: 'DRAINED', value: ({ drained }) => (drained ? 'yes' : '') },
];
const STATUS_COLUMNS: readonly Column<BuildNodeStatus>[] = [
  { title: 'XNAME', value: (status) => status.xname },
  { title: 'STATE', value: (status) => status.state },
  { title: 'SSH', value: (status) => status.ssh_status },
  { title: 'ARCH', value: (status) => status.arch },
  { title: 'JOBS', value: (status) => (status.jobs < 0 ? '' : String(status.jobs)) },
  {
    title: 'ROOM',
    value: ({ room }) => `${room.jobs} jobs, ${room.memory_gib} GiB memory, ${room.disk_gib} GiB disk`,
  },
];

const rowOf = (node: BuildNode): Row =>
  Object.defineProperty({ ...node }, 'id', { value: node.xname }) as Row;

export function addNodes(program: Command): void {
  for (const noun of ['nodes', 'remote-build-nodes']) {
    addNoun(program.command(noun).description('remote machines that jobs can run on'), noun);
  }
}

interface AddFlags extends CommonOptions {
  xname?: string;
  address?: string;
  port?: number;
  user?: string;
  fingerprint?: string;
  label: string[];
  jobs?: number;
  memoryGib?: number;
  diskGib?: number;
  folder?: string;
}

function addNoun(nodes: Command, noun: string): void {
  addListDescribeDelete<Row>(nodes, {
    noun,
    singular: 'build node',
    columns: COLUMNS,
    list: async ({ client }) => (await client.nodes.list()).map(rowOf),
    get: async ({ client }, xname) => rowOf(await client.nodes.get(xname)),
    delete: ({ client }, xname) => client.nodes.remove(xname),
    goesWithIt: '',
  });
  nodes.commands.find((command) => command.name() === 'delete')?.alias('remove');
  addAdd(nodes, noun);
  addDrain(nodes, noun);
  addDoctor(nodes, noun);
  withCommonOptions(nodes.command('key'))
    .description(
      'print the public key with which Kiln logs in to build nodes: a line for their authorized_keys',
    )
    .addHelpText(
      'after',
      `\nExample:\n  kiln ${noun} key | ssh root@x3000c0s17b1n0 'cat >> .ssh/authorized_keys'`,
    )
    .action(async (options: CommonOptions) => {
      process.stdout.write(`${(await contextOf(options).client.nodes.key()).public_key}\n`);
    });
  withCommonOptions(nodes.command('status').argument('<xname...>'))
    .description('show what is known about a build node, or with `list` about all of them')
    .addHelpText('after', `\nExample:\n  kiln ${noun} status x3000c0s17b1n0\n  kiln ${noun} status list`)
    .action(async (words: string[], options: CommonOptions) => {
      const context = contextOf(options);
      const { nodes: calls } = context.client;
      if (words.join(' ') === 'list') {
        const names = (await calls.list()).map(({ xname }) => xname);
        context.print(await Promise.all(names.map(calls.status)), STATUS_COLUMNS);
        return;
      }
      // The manuals have `status describe XNAME`.
      const [xname = ''] = words[0] === 'describe' ? words.slice(1) : words;
      context.print(await calls.status(xname), STATUS_COLUMNS);
    });
}

function addAdd(nodes: Command, noun: string): void {
  withCommonOptions(nodes.command('create').alias('add').argument('[xname]'))
    .option('--xname <xname>', 'the same as a flag')
    .option('--address <host>', 'host name or IP address; the xname unless given')
    .option('--port <number>', 'TCP port of its sshd; 22 unless given', wholeNumberFrom(1))
    .option('--user <name>', 'user to log in as: root, or one with sudo without a password')
    .option('--fingerprint <sha256>', 'SHA256:... of its host key; without one the node is not used')
    .option(
      '--label <name=value>',
      'label; may be repeated',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option('--jobs <number>', 'jobs at the same time; one for 4 processors unless given', wholeNumberFrom(1))
    .option(
      '--memory-gib <gib>',
      'memory for all jobs, in GiB; nine tenths of it unless given',
      wholeNumberFrom(1),
    )
    .option(
      '--disk-gib <gib>',
      'disk space for all jobs, in GiB; what is free unless given',
      wholeNumberFrom(1),
    )
    .option(
      '--folder <path>',
      'folder on the node for all that Kiln keeps there; /var/lib/kiln-node unless given',
    )
    .description('register a build node, or change what is said of one')
    .addHelpText(
      'after',
      `
The node has to authorize the key that \`kiln ${noun} key\` prints, and its host key has to be confirmed by its fingerprint:
\`ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub\` on the node. \`kiln ${noun} doctor XNAME\` says what is missing.
Examples:
  kiln ${noun} add x3000c0s17b1n0 --fingerprint SHA256:...
  kiln ${noun} add arm1 --address 10.1.0.7 --user builder --fingerprint SHA256:... --label pool=arm --jobs 4`,
    )
    .action(async (argument: string | undefined, flags: AddFlags) => {
      const context = contextOf(flags);
      const xname = nameOf(argument, flags.xname === undefined ? {} : { name: flags.xname }, '--xname');
      context.print(rowOf(await context.client.nodes.add({ xname, ...saidOf(flags) })), COLUMNS);
    });
}

function saidOf(flags: AddFlags): Omit<BuildNodeCreate, 'xname'> {
  const { address, port, user, fingerprint, folder, jobs, memoryGib, diskGib, label } = flags;
  const hasCapacity = [jobs, memoryGib, diskGib].some((each) => each !== undefined);
  return {
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(folder === undefined ? {} : { folder }),
    ...(label.length === 0
      ? {}
      : { labels: Object.fromEntries(label.map((text) => pairOf('--label', text))) }),
    ...(hasCapacity
      ? { capacity: { jobs: jobs ?? null, memory_gib: memoryGib ?? null, disk_gib: diskGib ?? null } }
      : {}),
  };
}

function addDrain(nodes: Command, noun: string): void {
  withCommonOptions(nodes.command('drain').argument('<xname>'))
    .option('--undo', 'let it take jobs again')
    .description('let a build node finish the jobs that it has, and take no more')
    .addHelpText(
      'after',
      `\nExample:\n  kiln ${noun} drain x3000c0s17b1n0\n  kiln ${noun} drain x3000c0s17b1n0 --undo`,
    )
    .action(async (xname: string, flags: CommonOptions & { undo?: boolean }) => {
      const context = contextOf(flags);
      await context.client.nodes.get(xname);
      await context.client.nodes.add({ xname, drained: flags.undo !== true });
      const { jobs } = await context.client.nodes.status(xname);
      context.say(
        flags.undo === true
          ? `${xname} takes jobs again`
          : `${xname} takes no more jobs; it has ${Math.max(0, jobs)}`,
      );
    });
}
