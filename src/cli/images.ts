/** `kiln images`: look at images, fetch and boot them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Image, ImageArtifact } from '../contract/images.ts';
import { formatBytes } from '../platform/bytes.ts';
import { bootImage } from './boot/index.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { downloadArtifact } from './download.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';

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
  { title: 'SHA256', value: (artifact) => artifact.sha256 },
  { title: 'TYPE', value: (artifact) => artifact.type },
];

export function addImages(program: Command): void {
  const images = program.command('images').description('images: what compute nodes boot');
  addListDescribeDelete<Image>(images, {
    singular: 'image',
    columns: COLUMNS,
    list: ({ client }) => client.images.list(),
    get: ({ client }, id) => client.images.get(id),
    delete: ({ client }, id) => client.images.delete(id),
    goesWithIt: ' and all its artifacts',
  });
  withCommonOptions(images.command('create').argument('<name>'))
    .option('--arch <arch>', 'x86_64 (default) or aarch64')
    .option('--link-path <s3-url>', 'manifest that is in the store already: s3://BUCKET/KEY')
    .description('register an image that was made elsewhere')
    .action(async (name: string, options: CommonOptions & { arch?: string; linkPath?: string }) => {
      const context = contextOf(options);
      const image = await context.client.images.create({
        name,
        ...(options.arch === undefined ? {} : { arch: options.arch as Image['arch'] }),
        ...(options.linkPath === undefined ? {} : { link: { path: options.linkPath, type: 's3' as const } }),
      });
      context.print(image, COLUMNS);
    });
  withCommonOptions(images.command('update').argument('<id>'))
    .option('--name <name>', 'new name')
    .option('--set <key=value...>', 'metadata to set; may be repeated')
    .option('--unset <key...>', 'metadata to remove; may be repeated')
    .description('rename an image or change its metadata')
    .action(
      async (id: string, options: CommonOptions & { name?: string; set?: string[]; unset?: string[] }) => {
        const context = contextOf(options);
        const before = await context.client.images.get(id);
        const metadata = { ...before.metadata };
        for (const pair of options.set ?? []) {
          const [key = '', ...value] = pair.split('=');
          metadata[key] = value.join('=');
        }
        for (const key of options.unset ?? []) {
          delete metadata[key];
        }
        const change = { metadata, ...(options.name === undefined ? {} : { name: options.name }) };
        context.print(await context.client.images.update(id, change), COLUMNS);
      },
    );
  withCommonOptions(
    images.command('artifacts').argument('<id>').description('list the artifacts of an image'),
  ).action(async (id: string, options: CommonOptions) => {
    const context = contextOf(options);
    context.print(await context.client.images.artifacts(id), ARTIFACT_COLUMNS);
  });
  withCommonOptions(
    images.command('download').argument('<id>').description('fetch and verify the artifacts of an image'),
  )
    .option('--to <folder>', 'folder to write to', '.')
    .action(async (id: string, options: CommonOptions & { to: string }) => {
      const context = contextOf(options);
      await mkdir(options.to, { recursive: true });
      for (const artifact of await context.client.images.artifacts(id)) {
        const file = join(options.to, artifact.path.split('/').at(-1) ?? 'artifact');
        await downloadArtifact(artifact, file);
        context.say(`${file}: ${formatBytes(artifact.size_bytes)}, sha256 ${artifact.sha256}`);
      }
    });
  addBoot(images);
}

interface BootOptions extends CommonOptions {
  memory: number;
  cpus: number;
  accel: 'tcg' | 'kvm';
  append?: string;
  until?: string;
  timeout?: number;
  consoleLog?: string;
}

function addBoot(images: Command): void {
  withCommonOptions(images.command('boot').argument('<id>'))
    .description('boot an image over the network in a virtual machine, its serial console on this terminal')
    .option('--memory <mib>', 'memory of the machine in MiB', positive, 3000)
    .option('--cpus <number>', 'processors of the machine', positive, 2)
    .option('--accel <kind>', 'tcg (emulation, works everywhere) or kvm', 'tcg')
    .option('--append <text>', 'more for the kernel command line')
    .option('--until <text>', 'end with success once this text is on the console')
    .option('--timeout <seconds>', 'end with failure when --until was not seen by then', positive)
    .option('--console-log <file>', 'keep a copy of the console')
    .addHelpText(
      'after',
      `
The machine fetches its root file system over HTTP, as a compute node does. End it with Ctrl-A X.
Example:
  kiln images boot 2f3c… --until login: --timeout 400`,
    )
    .action(async (id: string, options: BootOptions) => {
      const { client } = contextOf(options);
      const stop = new AbortController();
      const end = () => stop.abort();
      process.once('SIGINT', end).once('SIGTERM', end);
      process.exitCode = await bootImage({
        client,
        id,
        memoryMib: options.memory,
        cpus: options.cpus,
        accel: options.accel,
        ...(options.append === undefined ? {} : { append: options.append }),
        ...(options.until === undefined ? {} : { until: options.until }),
        ...(options.timeout === undefined ? {} : { timeoutSeconds: options.timeout }),
        ...(options.consoleLog === undefined ? {} : { consoleLog: options.consoleLog }),
        output: process.stdout,
        signal: stop.signal,
      });
    });
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError('it has to be a whole number above 0');
  }
  return number;
}
