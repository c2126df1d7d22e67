/** `kiln nodes`: remote machines that build; `kiln remote-build-nodes` is the same, as the CSM manuals have it. */
import type { Command } from 'commander';
import type { BuildNode, BuildNodeStatus } from '../contract/nodes.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { nameOf } from './name-argument.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';

/** Nodes are told apart by their xname. */
type Row = BuildNode & { readonly id: string };

const COLUMNS: readonly Column<Row>[] = [{ title: 'XNAME', value: (node) => node.xname }];
const STATUS_COLUMNS: readonly Column<BuildNodeStatus>[] = [
  { title: 'XNAME', value: (status) => status.xname },
  { title: 'SSH', value: (status) => status.ssh_status },
  { title: 'ARCH', value: (status) => status.arch },
  { title: 'ABLE', value: (status) => (status.able ? 'yes' : 'no') },
];

const rowOf = (node: BuildNode): Row =>
  Object.defineProperty({ ...node }, 'id', { value: node.xname }) as Row;

export function addNodes(program: Command): void {
  for (const noun of ['nodes', 'remote-build-nodes']) {
    addNoun(program.command(noun).description('remote machines that jobs can run on'), noun);
  }
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
  withCommonOptions(nodes.command('create').alias('add').argument('[xname]'))
    .option('--xname <xname>', 'the same as a flag')
    .description('register a build node')
    .addHelpText('after', `\nExample:\n  kiln ${noun} create x3000c0s17b1n0`)
    .action(async (argument: string | undefined, options: CommonOptions & { xname?: string }) => {
      const context = contextOf(options);
      const xname = nameOf(argument, options.xname === undefined ? {} : { name: options.xname }, '--xname');
      context.print(rowOf(await context.client.nodes.add({ xname })), COLUMNS);
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
