/** `kiln builder`: the roots in which builds run. Works on this machine's cache, without the service. */
import type { Command } from 'commander';
import { formatBytes, formatDuration } from '../platform/bytes.ts';
import { confirmed } from './confirm.ts';
import { contextOf, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { addSettingFlags, type SettingFlags, settingFlagsOf } from './setting-flags.ts';

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
  ensure(options: {
    onLine?: (line: string) => void;
    signal?: AbortSignal;
  }): Promise<{ digest: string; path: string; reused: boolean }>;
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
    .option('--verbose', 'print what the tools say')
    .action(async (options: { verbose?: boolean }) => {
      const started = performance.now();
      let lines = 0;
      const stop = new AbortController();
      const interrupt = () => stop.abort();
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
      const root = await rootsFor(settingFlagsOf(options, SETTINGS)).ensure({
        signal: stop.signal,
        onLine(line) {
          lines += 1;
          if (options.verbose) {
            process.stderr.write(`${line}\n`);
          } else if (process.stderr.isTTY) {
            process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns || 80) - 1)}`);
          } else if (lines % 50 === 0) {
            process.stderr.write(`${line}\n`);
          }
        },
      });
      const time = formatDuration((performance.now() - started) / 1000);
      process.stderr.write(process.stderr.isTTY && lines > 0 ? '\r\u001b[K' : '');
      process.stdout.write(
        `builder root ${root.digest} ${root.reused ? 'reused' : `made in ${time}`}: ${root.path}\n`,
      );
    });
  command('prune')
    .description('remove builder roots that the present settings do not use')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--yes', 'do not ask')
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
