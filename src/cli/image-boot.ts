/** `kiln images boot`: its flags. What they do is the business of boot/. */
import { type Command, Option } from 'commander';
import { bootImage } from './boot/index.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';
import { wholeNumberFrom } from './values.ts';

interface BootFlags extends CommonOptions {
  memory: number;
  cpus: number;
  accel: 'tcg' | 'kvm';
  cpu?: string;
  append?: string;
  until?: string;
  timeout?: number;
  consoleLog?: string;
}

export function addBoot(images: Command): void {
  const positive = wholeNumberFrom(1);
  withCommonOptions(images.command('boot').argument('<id>'))
    .description('boot an image over the network in a virtual machine, its serial console on this terminal')
    .option('--memory <mib>', 'memory of the machine in MiB', positive, 3000)
    .option('--cpus <number>', 'processors of the machine', positive, 2)
    .addOption(
      new Option('--accel <kind>', 'tcg emulates and works everywhere; kvm is faster where the host has it')
        .choices(['tcg', 'kvm'])
        .default('tcg'),
    )
    .option(
      '--cpu <model>',
      'model of the processor, as QEMU names it; an older one is emulated faster (without one: all that can be emulated)',
    )
    .option('--append <text>', 'more for the kernel command line')
    .option('--until <text>', 'end with success once this text is on the console')
    .option('--timeout <seconds>', 'end with failure when the machine still runs after this time', positive)
    .option('--console-log <file>', 'keep a copy of the console')
    .addHelpText(
      'after',
      `
The machine fetches its root file system over HTTP, as a compute node does. End it with Ctrl-A X.
Examples:
  kiln images boot 2f3c…
  kiln images boot 2f3c… --cpu Nehalem
  kiln images boot 2f3c… --until login: --timeout 600 --console-log boot.log`,
    )
    .action(async (id: string, flags: BootFlags) => {
      const { client } = contextOf(flags);
      const { cpu, append, until, timeout, consoleLog } = flags;
      process.exitCode = await interruptible((signal) =>
        bootImage({
          client,
          id,
          memoryMib: flags.memory,
          cpus: flags.cpus,
          accel: flags.accel,
          ...(cpu === undefined ? {} : { cpu }),
          ...(append === undefined ? {} : { append }),
          ...(until === undefined ? {} : { until }),
          ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
          ...(consoleLog === undefined ? {} : { consoleLog }),
          output: process.stdout,
          signal,
        }),
      );
    });
}
