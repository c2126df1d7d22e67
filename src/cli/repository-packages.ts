/** The packages of a repository: list them, upload them, leave them out. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { RepositoryPackage } from '../contract/repositories.ts';
import { type CommandContext, contextOf, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { showTransfer } from './transfer.ts';

const AT_ONCE = 4;

export function addPackageCommands(
  repositories: Command,
  columns: readonly Column<RepositoryPackage>[],
): void {
  withCommonOptions(repositories.command('packages').argument('<name>'))
    .description('list the packages of a repository')
    .addHelpText('after', '\nExample:\n  kiln repositories packages site')
    .action(async (name: string, flags: CommonOptions) => {
      const context = contextOf(flags);
      context.print(await context.client.repositories.packages(name), columns);
    });
  withCommonOptions(repositories.command('upload').argument('<name>').argument('<file...>'))
    .option('--folder <path>', 'folder in the repository', 'Packages')
    .description('upload packages to a hosted repository and publish them')
    .addHelpText('after', '\nExample:\n  kiln repositories upload site *.rpm')
    .action(async (name: string, files: string[], flags: CommonOptions & { folder: string }) => {
      const context = contextOf(flags);
      await uploadAll(context, name, files, flags.folder);
      const { status } = await context.client.repositories.publish(name);
      for (const { path, message } of status.problems) {
        context.say(`left out: ${path}: ${message}`);
        process.exitCode = 1;
      }
      context.say(`"${name}" is at revision ${status.revision} with ${status.packages} packages`);
    });
  withCommonOptions(repositories.command('remove').argument('<name>').argument('<path...>'))
    .option('--dry-run', 'say what would be left out, and change nothing')
    .description('leave packages of a hosted repository out from the next revision on')
    .addHelpText('after', '\nExample:\n  kiln repositories remove site Packages/tool-1.0-1.noarch.rpm')
    .action(async (name: string, paths: string[], flags: CommonOptions & { dryRun?: boolean }) => {
      const context = contextOf(flags);
      if (flags.dryRun) {
        const there = new Set((await context.client.repositories.packages(name)).map(({ path }) => path));
        context.say(
          paths.map((path) => `${there.has(path) ? 'would leave out' : 'is not there'}: ${path}`).join('\n'),
        );
        return;
      }
      for (const path of paths) {
        await context.client.repositories.remove(name, path);
      }
      const { status } = await context.client.repositories.publish(name);
      context.say(`"${name}" is at revision ${status.revision} with ${status.packages} packages`);
    });
}

/** Several at a time, in the order given. The first failure ends it. */
async function uploadAll(
  context: CommandContext,
  name: string,
  files: readonly string[],
  folder: string,
): Promise<void> {
  const waiting = [...files];
  const next = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      await upload(context, name, file, posix.join(folder, basename(file)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

async function upload(context: CommandContext, name: string, file: string, path: string): Promise<void> {
  const { size } = await stat(file);
  const shown = showTransfer(createReadStream(file), {
    label: `uploading ${basename(file)}`,
    totalBytes: size,
    output: process.stderr,
  });
  await context.client.repositories.upload(name, path, Readable.toWeb(Readable.from(shown)));
}
