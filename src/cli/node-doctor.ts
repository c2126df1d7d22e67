/** `kiln nodes doctor`: has a build node looked at now, and says what keeps jobs from it and what to do about it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BuildNode, BuildNodeStatus } from '../contract/nodes.ts';
import { formatBytes } from '../platform/bytes.ts';
import { type CommandContext, contextOf, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';

const POLL_MS = 500;

export function addDoctor(nodes: Command, noun: string): void {
  withCommonOptions(nodes.command('doctor').argument('<xname>'))
    .description(
      'look at a build node now, and say what is missing on it; exit code 1 when it cannot take jobs',
    )
    .addHelpText(
      'after',
      `\nIt waits until the node has been sent what it needs.\nExample:\n  kiln ${noun} doctor x3000c0s17b1n0`,
    )
    .action(async (xname: string, flags: CommonOptions) => {
      const context = contextOf(flags);
      const status = await looked(context, xname);
      const node = await context.client.nodes.get(xname);
      if (context.format === 'table') {
        process.stdout.write(report(node, status));
      } else {
        context.print(status, []);
      }
      process.exitCode = status.able || status.state === 'drained' ? 0 : 1;
    });
}

/** What is known once the look that is asked for here is over. */
async function looked({ client, say }: CommandContext, xname: string): Promise<BuildNodeStatus> {
  const before = await client.nodes.check(xname);
  return await interruptible(async (signal) => {
    let told = '';
    for (;;) {
      const status = await client.nodes.status(xname);
      if (status.checked !== before.checked && status.state !== 'preparing') {
        return status;
      }
      const { preparing } = status;
      const words =
        preparing === null
          ? ''
          : `${preparing.what}: ${formatBytes(preparing.done_bytes)} of ${formatBytes(preparing.total_bytes)}`;
      if (words !== told) {
        told = words;
        say(words);
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  });
}

function report(node: BuildNode, status: BuildNodeStatus): string {
  const { facts, problems, seen_fingerprints, room, reserved } = status;
  const about =
    facts === null
      ? []
      : [
          `${facts.system}, Linux ${facts.kernel}, ${facts.machine}`,
          `${facts.cpus} processors, ${formatBytes(facts.memory_bytes)} of memory, ${formatBytes(facts.disk_free_bytes)} free below ${node.folder}`,
        ];
  const lines = [
    `${status.xname}: ${status.state}`,
    ...about.map((line) => `  ${line}`),
    ...problems.flatMap(({ what, hint }) => [`  ✗ ${what}`, `    ${hint}`]),
    ...seen_fingerprints.map((fingerprint) => `    it shows ${fingerprint}`),
    ...(status.able
      ? [
          `  ✓ takes jobs: room for ${room.jobs} more, ${room.memory_gib} GiB of memory, ${room.disk_gib} GiB of disk; it has ${reserved.jobs}`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
