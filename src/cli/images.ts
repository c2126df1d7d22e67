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
import { addImportAndCopy } from './image-import.ts';
import { interruptible } from './interrupt.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { archOf, pairOf } from './values.ts';

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
  addImportAndCopy(images, COLUMNS);
}

function addCreate(images: Command): void {
  withCommonOptions(images.command('create').argument('<name>'))
    .option('--arch <arch>', `${ARCHITECTURES.join(' or ')}; x86_64 unless given`)
    .option('--link-path <s3-url>', 'manifest that is in the store already: s3://BUCKET/KEY')
    .description('register an image that was made elsewhere; `kiln jobs create` builds one')
    .addHelpText(
      'after',
      '\nExample:\n  kiln images create compute --link-path s3://boot-images/ours/manifest.json',
    )
    .action(async (name: string, options: CommonOptions & { arch?: string; linkPath?: string }) => {
      const context = contextOf(options);
      const image = await context.client.images.create({
        name,
        ...(options.arch === undefined ? {} : { arch: archOf(options.arch) }),
        ...(options.linkPath === undefined ? {} : { link: { path: options.linkPath, type: 's3' as const } }),
      });
      context.print(image, COLUMNS);
    });
}

interface UpdateFlags extends CommonOptions {
  name?: string;
  set?: string[];
  unset?: string[];
}

function addUpdate(images: Command): void {
  withCommonOptions(images.command('update').argument('<id>'))
    .option('--name <name>', 'new name')
    .option('--set <key=value...>', 'metadata to set; may be repeated')
    .option('--unset <key...>', 'metadata to remove; may be repeated')
    .description('rename an image or change its metadata')
    .addHelpText('after', '\nExample:\n  kiln images update 2f3c… --set owner=ops --unset draft')
    .action(async (id: string, flags: UpdateFlags) => {
      const context = contextOf(flags);
      const { name, set = [], unset = [] } = flags;
      if (name === undefined && set.length === 0 && unset.length === 0) {
        throw new UsageError('say what to change; `kiln images update --help` lists it');
      }
      const metadata =
        set.length + unset.length === 0
          ? {}
          : { metadata: changed((await context.client.images.get(id)).metadata, set, unset) };
      const change = { ...metadata, ...(name === undefined ? {} : { name }) };
      context.print(await context.client.images.update(id, change), COLUMNS);
    });
}

function changed(
  before: Record<string, string>,
  set: readonly string[],
  unset: readonly string[],
): Record<string, string> {
  const all = [...Object.entries(before), ...set.map((text) => pairOf('--set', text))];
  return Object.fromEntries(all.filter(([key]) => !unset.includes(key)));
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
