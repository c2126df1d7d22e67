/** `kiln images`: look at images, register, change, fetch and boot them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ARCHITECTURES } from '../contract/common.ts';
import type { Image, ImageArtifact } from '../contract/images.ts';
import { formatBytes } from '../platform/bytes.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import { downloadArtifact } from './download.ts';
import { addBoot } from './image-boot.ts';
import { addHistory } from './image-history.ts';
import { addImportAndCopy } from './image-import.ts';
import {
  changedMetadata,
  type MetadataChangeFlags,
  type MetadataFlags,
  metadataChangeOf,
  metadataOf,
  withMetadataChangeFlags,
  withMetadataFlags,
} from './image-metadata.ts';
import { addRunAndEdit } from './image-run.ts';
import { interruptible } from './interrupt.ts';
import { type LinkFlags, linkOf, withLinkFlags } from './link-flags.ts';
import { type NameFlag, nameOf, withName } from './name-argument.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { archOf } from './values.ts';

const COLUMNS: readonly Column<Image>[] = [
  { title: 'ID', value: (image) => image.id },
  { title: 'NAME', value: (image) => image.name },
  { title: 'ARCH', value: (image) => image.arch },
  { title: 'MANIFEST', value: (image) => image.link?.path ?? '-' },
  { title: 'CREATED', value: (image) => image.created },
];
const ARTIFACT_COLUMNS: readonly Column<ImageArtifact>[] = [
  { title: 'PATH', value: (artifact) => artifact.path },
  { title: 'SIZE', value: (artifact) => formatBytes(artifact.size_bytes) },
  { title: 'SHA256', value: (artifact) => artifact.sha256 ?? '-' },
  { title: 'TYPE', value: (artifact) => artifact.type },
];

export function addImages(program: Command): void {
  const images = program.command('images').description('images: what compute nodes boot');
  addListDescribeDelete<Image>(images, {
    noun: 'images',
    singular: 'image',
    columns: COLUMNS,
    list: ({ client }) => client.images.list(),
    get: ({ client }, id) => client.images.get(id),
    delete: ({ client }, id) => client.images.delete(id),
    goesWithIt: ' and all its artifacts (`kiln deleted images` takes them back)',
  });
  addCreate(images);
  addUpdate(images);
  addArtifacts(images);
  addBoot(images);
  addRunAndEdit(images);
  addHistory(images);
  addImportAndCopy(images, COLUMNS);
}

interface ImageFlags extends CommonOptions, NameFlag, LinkFlags {
  arch?: string;
}

/** The fields that flags of both commands name; those that none names are left out. */
function fieldsOf(flags: ImageFlags) {
  const link = linkOf(flags);
  return {
    ...(flags.arch === undefined ? {} : { arch: archOf(flags.arch) }),
    ...(link === undefined ? {} : { link }),
  };
}

function addCreate(images: Command): void {
  const create = withLinkFlags(withCommonOptions(withName(images.command('create'))), 'manifest');
  withMetadataFlags(create)
    .option('--arch <arch>', `${ARCHITECTURES.join(' or ')}; x86_64 unless given`)
    .description('register an image that was made elsewhere; `kiln jobs create` builds one')
    .addHelpText(
      'after',
      '\nExample:\n  kiln images create compute --link-path s3://boot-images/ours/manifest.json',
    )
    .action(async (argument: string | undefined, flags: ImageFlags & MetadataFlags) => {
      const context = contextOf(flags);
      const name = nameOf(argument, flags);
      const metadata = metadataOf(flags);
      const image = await context.client.images.create({
        name,
        ...fieldsOf(flags),
        ...(metadata === undefined ? {} : { metadata }),
      });
      context.print(image, COLUMNS);
    });
}

function addUpdate(images: Command): void {
  const update = withLinkFlags(withCommonOptions(images.command('update').argument('<id>')), 'manifest');
  withMetadataChangeFlags(update)
    .option('--name <name>', 'new name')
    .option('--arch <arch>', ARCHITECTURES.join(' or '))
    .description('rename an image, give it its manifest, or change its metadata')
    .addHelpText('after', '\nExample:\n  kiln images update 2f3c… --set owner=ops --unset draft')
    .action(async (id: string, flags: ImageFlags & MetadataChangeFlags) => {
      const context = contextOf(flags);
      const { client } = context;
      const fields = { ...fieldsOf(flags), ...(flags.name === undefined ? {} : { name: flags.name }) };
      const change = metadataChangeOf(flags);
      if (Object.keys(fields).length === 0 && change === undefined) {
        throw new UsageError('say what to change; `kiln images update --help` lists it');
      }
      const metadata =
        change === undefined
          ? {}
          : { metadata: changedMetadata((await client.images.get(id)).metadata, change) };
      context.print(await client.images.update(id, { ...fields, ...metadata }), COLUMNS);
    });
}

function addArtifacts(images: Command): void {
  withCommonOptions(images.command('artifacts').argument('<id>'))
    .description('list the artifacts of an image, with sizes and checksums')
    .addHelpText('after', '\nExample:\n  kiln images artifacts 2f3c… --format json')
    .action(async (id: string, options: CommonOptions) => {
      const context = contextOf(options);
      context.print(await context.client.images.artifacts(id), ARTIFACT_COLUMNS);
    });
  withCommonOptions(images.command('download').argument('<id>'))
    .option('--to <folder>', 'folder to write to; made when it is not there', '.')
    .description('fetch and verify the artifacts of an image')
    .addHelpText('after', '\nExample:\n  kiln images download 2f3c… --to /srv/tftp/compute')
    .action(async (id: string, options: CommonOptions & { to: string }) => {
      const context = contextOf(options);
      const artifacts = await context.client.images.artifacts(id);
      await mkdir(options.to, { recursive: true });
      await interruptible(async (signal) => {
        for (const artifact of artifacts) {
          const file = join(options.to, artifact.path.split('/').at(-1) ?? 'artifact');
          await downloadArtifact(artifact, file, signal);
          context.say(`${file}: ${formatBytes(artifact.size_bytes)}, sha256 ${artifact.sha256 ?? 'unknown'}`);
        }
      });
    });
}
