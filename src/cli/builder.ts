/** `kiln builder`: the roots in which builds run. Works on this machine's cache, without the service. */
import { type Command, Option } from 'commander';
import { ARCHITECTURES, type Architecture } from '../contract/common.ts';
import { formatBytes, formatDuration } from '../platform/bytes.ts';
import { confirmed } from './confirm.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { addSettingFlags, type SettingFlags, settingFlagsOf } from './setting-flags.ts';
import { plain } from './text.ts';

interface BuilderRootRow {
  digest: string;
  suite: string;
  created: string;
  sizeBytes: number;
  current: boolean;
  path: string;
}

/** What the commands need of builder roots; main.ts gives it. */
export interface BuilderCommands {
  ensure(
    options: {
      onLine?: (line: string) => void;
      signal?: AbortSignal;
    },
    arch?: Architecture,
  ): Promise<{ digest: string; path: string; reused: boolean }>;
  list(): Promise<BuilderRootRow[]>;
  prune(options: { dryRun: boolean }): Promise<BuilderRootRow[]>;
  mirror(): Promise<string>;
}

const COLUMNS: readonly Column<BuilderRootRow>[] = [
  { title: 'DIGEST', value: (root) => root.digest },
  { title: 'SUITE', value: (root) => root.suite },
  { title: 'SIZE', value: (root) => formatBytes(root.sizeBytes) },
  { title: 'IN USE', value: (root) => (root.current ? 'yes' : '-') },
  { title: 'CREATED', value: (root) => root.created },
];
const SETTINGS = ['cache.folder', 'builder.suite', 'builder.mirror', 'builder.extra_packages'] as const;

export function addBuilder(program: Command, rootsFor: (flags: SettingFlags) => BuilderCommands): void {
  const builder = program
    .command('builder')
    .description('builder roots: Kiwi and package managers, in which builds run');
  const command = (name: string) => addSettingFlags(builder.command(name), SETTINGS);

  withCommonOptions(command('list').alias('ls').description('list the cached builder roots')).action(
    async (options: CommonOptions) => {
      contextOf(options).print(await rootsFor(settingFlagsOf(options, SETTINGS)).list(), COLUMNS);
    },
  );
  command('build')
    .description('make the builder root, unless it is cached')
    .addOption(
      new Option(
        '--arch <arch>',
        'machine that it is for, this one unless given; another is for build nodes',
      ).choices(ARCHITECTURES),
    )
    .option('--verbose', 'print what the tools say')
    .addHelpText(
      'after',
      '\nExamples:\n  kiln builder build --builder-suite forky\n  kiln builder build --arch aarch64   # emulated, so it takes longer',
    )
    .action(async (options: { verbose?: boolean; arch?: Architecture }) => {
      const started = performance.now();
      const show = lineShower(process.stderr, options.verbose === true);
      const roots = rootsFor(settingFlagsOf(options, SETTINGS));
      const root = await interruptible((signal) =>
        roots.ensure({ signal, onLine: show.line }, options.arch),
      ).finally(show.clear);
      const time = formatDuration((performance.now() - started) / 1000);
      process.stdout.write(
        `builder root ${root.digest} ${root.reused ? 'reused' : `made in ${time}`}: ${root.path}\n`,
      );
    });
  command('prune')
    .description('remove builder roots that the present settings do not use')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  kiln builder prune --dry-run')
    .action(async (options: { dryRun?: boolean; yes?: boolean }) => {
      const roots = rootsFor(settingFlagsOf(options, SETTINGS));
      const old = await roots.prune({ dryRun: true });
      for (const root of old) {
        process.stdout.write(
          `${options.dryRun ? 'would remove' : 'removing'} ${root.digest} (${formatBytes(root.sizeBytes)})\n`,
        );
      }
      if (
        options.dryRun ||
        old.length === 0 ||
        !(await confirmed(`Remove ${old.length} builder roots?`, options.yes))
      ) {
        return;
      }
      await roots.prune({ dryRun: false });
    });
  command('mirror')
    .description('print the package mirror that builder roots are made from')
    .action(async (options: object) => {
      process.stdout.write(`${await rootsFor(settingFlagsOf(options, SETTINGS)).mirror()}\n`);
    });
}

/** What the tools say: all of it, or the latest line in place on a terminal, or one of fifty elsewhere. */
function lineShower(output: NodeJS.WriteStream, verbose: boolean) {
  let lines = 0;
  const inPlace = !verbose && output.isTTY === true;
  return {
    line(text: string) {
      lines += 1;
      if (inPlace) {
        output.write(`\r\u001b[K${plain(text).slice(0, (output.columns || 80) - 1)}`);
      } else if (verbose || lines % 50 === 0) {
        output.write(`${text}\n`);
      }
    },
    clear() {
      if (inPlace && lines > 0) {
        output.write('\r\u001b[K');
      }
    },
  };
}
