/** `kiln export` and `kiln import`: everything that a service keeps, in one archive. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Command } from 'commander';
import { IMPORT_MODES, type ImportReport } from '../contract/exchange.ts';
import { formatBytes } from '../platform/bytes.ts';
import { confirmed } from './confirm.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import { ownArchive } from './import-source.ts';
import type { CommonOptions } from './nouns.ts';
import { takeoverArchive } from './takeover.ts';
import { showTransfer } from './transfer.ts';

interface ImportOptions extends CommonOptions {
  readonly mode: string;
  readonly fromIms?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

export function addExchange(program: Command): void {
  withCommonOptions(
    program.command('export').argument('<file>', 'where to write the archive, or - for standard output'),
  )
    .description('write everything that the service keeps into one archive: records, recipes, images')
    .addHelpText('after', '\nExample:\n  kiln export kiln-backup.tar')
    .action(exportAll);
  withCommonOptions(
    program.command('import').argument('<source>', 'an archive; with --from-ims also a folder'),
  )
    .option('--mode <mode>', `${IMPORT_MODES.join(', ')}`, 'add')
    .option('--from-ims', 'take over an IMS: a folder of its data files, or a backup of the CSM scripts')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do not ask before something is deleted')
    .description('take over an archive of kiln export, or the data of an IMS, with ids and dates')
    .addHelpText(
      'after',
      [
        '',
        'Modes:',
        '  add             what is there already stays as it is',
        '  update          what is there becomes as in the archive',
        '  overwrite       and what the archive does not have is deleted for good',
        '  soft_overwrite  and what the archive does not have is deleted, but can be had back',
        '',
        'Examples:',
        '  kiln import kiln-backup.tar --dry-run',
        '  kiln import --from-ims /var/ims/data',
        '  kiln import --from-ims csm-backup.tar --mode update',
      ].join('\n'),
    )
    .action(importAll);
}

async function exportAll(file: string, options: CommonOptions): Promise<void> {
  const context = contextOf(options);
  const response = await context.client.exchange.export();
  const data = Readable.fromWeb(response.body as ReadableStream);
  if (file === '-') {
    await pipeline(data, process.stdout);
    return;
  }
  const draft = `${file}.partial`;
  try {
    // How long it will be is not known: objects are read while it is written.
    await pipeline(
      showTransfer(data, { label: `writing ${file}`, totalBytes: 0, output: process.stderr }),
      createWriteStream(draft, { mode: 0o600 }),
    );
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  context.say(`wrote ${file}`);
}

async function importAll(source: string, options: ImportOptions): Promise<void> {
  const context = contextOf(options);
  const mode = IMPORT_MODES.find((each) => each === options.mode);
  if (mode === undefined) {
    throw new UsageError(`--mode ${options.mode}: it is one of ${IMPORT_MODES.join(', ')}`);
  }
  const dryRun = options.dryRun === true;
  const send = async (isDry: boolean): Promise<ImportReport> => {
    const archive = options.fromIms ? await takeoverArchive(source) : await ownArchive(source);
    const label = isDry ? `looking at ${source}` : `importing ${source}`;
    const data = showTransfer(archive.data, {
      label,
      totalBytes: archive.sizeBytes,
      output: process.stderr,
    });
    const body = Readable.toWeb(Readable.from(data)) as ReadableStream;
    return await context.client.exchange.import(body, { mode, dryRun: isDry });
  };
  if (mode.endsWith('overwrite') && !dryRun && !options.yes) {
    const { removed } = await send(true);
    const question = `${removed} records that the archive does not have will be deleted. Go on?`;
    if (removed > 0 && !(await confirmed(question, options.yes))) {
      context.say('nothing was changed');
      return;
    }
  }
  const report = await send(dryRun);
  if (context.format === 'table') {
    context.say(sentencesOf(report).join('\n'));
  } else {
    context.print(report, []);
  }
}

function sentencesOf(report: ImportReport): string[] {
  const { added, updated, unchanged, kept, removed, problems } = report;
  const objects = `${report.objects_written} objects (${formatBytes(report.bytes_written)})`;
  return [
    report.dry_run ? 'Nothing was changed; this would be done:' : 'Done:',
    `  records: ${added} added, ${updated} updated, ${unchanged} unchanged, ${kept} kept, ${removed} deleted`,
    `  objects: ${objects} written, ${report.objects_kept} there already`,
    ...problems.map((problem) => `  - ${problem}`),
  ];
}
