/** `kiln images import` and `kiln images copy`: images of what is there already. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Command } from 'commander';
import { ARCHITECTURES } from '../contract/common.ts';
import type { Image, UploadName } from '../contract/images.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { showTransfer } from './transfer.ts';
import { archOf, wholeNumberFrom } from './values.ts';
import { watchJob } from './watch.ts';

interface ImportFlags extends CommonOptions {
  readonly name?: string;
  readonly arch?: string;
  readonly kernelFileName?: string;
  readonly initrdFileName?: string;
  readonly buildEnvSize?: number;
}

export function addImportAndCopy(images: Command, columns: readonly Column<Image>[]): void {
  withCommonOptions(images.command('import').argument('<file>', 'squashfs, or tar compressed with anything'))
    .option('--name <name>', 'name of the image; that of the file unless given')
    .option('--arch <arch>', `${ARCHITECTURES.join(' or ')}; x86_64 unless given`)
    .option('--kernel-file-name <name>', 'kernel in /boot; the newest one unless given')
    .option('--initrd-file-name <name>', 'initrd in /boot; the one of the kernel unless given')
    .option('--build-env-size <gib>', 'disk space that unpacking may fill, in GiB', wholeNumberFrom(1))
    .description('make an image of a whole root file system that was made elsewhere')
    .addHelpText('after', '\nExample:\n  kiln images import compute-root.tar.xz --name compute')
    .action(async (file: string, flags: ImportFlags) => {
      const context = contextOf(flags);
      const image = await importImage(context, file, flags);
      context.print(image, columns);
    });
  withCommonOptions(images.command('copy').argument('<id>').argument('<name>'))
    .description('make a new image of the same artifacts, inside the store')
    .addHelpText('after', '\nExample:\n  kiln images copy 7d1f… compute-before-update')
    .action(async (id: string, name: string, options: CommonOptions) => {
      const context = contextOf(options);
      context.print(await context.client.images.copy(id, { name }), columns);
    });
}

/** The image goes again when it does not come to be. */
async function importImage(context: CommandContext, file: string, flags: ImportFlags): Promise<Image> {
  const { client } = context;
  const name = flags.name ?? basename(file);
  await mustBeFile(file);
  const { id } = await client.images.create({
    name,
    ...(flags.arch === undefined ? {} : { arch: archOf(flags.arch) }),
  });
  try {
    await interruptible((signal) => uploadFile(context, id, 'import', file, {}, signal));
  } catch (error) {
    await client.images.delete(id);
    throw error;
  }
  const job = await client.jobs.create({
    job_type: 'import',
    artifact_id: id,
    image_root_archive_name: name,
    ...(flags.kernelFileName === undefined ? {} : { kernel_file_name: flags.kernelFileName }),
    ...(flags.initrdFileName === undefined ? {} : { initrd_file_name: flags.initrdFileName }),
    ...(flags.buildEnvSize === undefined ? {} : { build_env_size: flags.buildEnvSize }),
  });
  const ended = await watchJob({ client, id: job.id, output: process.stderr, now: () => new Date() });
  if (ended.state !== 'succeeded') {
    process.exitCode = 1;
    context.say(`The upload is kept: try again with a job of the type import, or kiln images delete ${id}`);
  }
  return await client.images.get(id);
}

async function mustBeFile(file: string): Promise<number> {
  const about = await stat(file).catch(() => undefined);
  if (!about?.isFile()) {
    throw new UsageError(`there is no file ${file}`);
  }
  return about.size;
}

/** Uploads a file as an artifact of an image; on a terminal a line shows how far it has come. */
export async function uploadFile(
  { client }: CommandContext,
  imageId: string,
  name: UploadName,
  file: string,
  expected: { md5?: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const totalBytes = await mustBeFile(file);
  const bytes = showTransfer(createReadStream(file), {
    label: `uploading ${basename(file)}`,
    totalBytes,
    output: process.stderr,
  });
  const body = Readable.toWeb(Readable.from(bytes)) as ReadableStream;
  await client.images.uploadArtifact(imageId, name, body, expected, signal);
}
