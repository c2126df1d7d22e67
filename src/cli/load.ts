/** `kiln load`: the manifests of the reference's bulk loader. What is there already is not loaded again. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Command } from 'commander';
import { Errors } from 'typebox/value';
import { parse, stringify } from 'yaml';
import { MEDIA_TYPES, type UploadName } from '../contract/images.ts';
import { type LoadArtifact, LoadManifest, type LoadRecipe } from '../contract/load-manifest.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import { uploadFile } from './image-import.ts';
import { interruptible } from './interrupt.ts';
import { fillIn } from './load-template.ts';
import type { CommonOptions } from './nouns.ts';
import { registerRecipe } from './recipe-upload.ts';

interface LoadFlags extends CommonOptions {
  readonly values?: string;
  readonly results?: string;
  readonly again?: true;
  readonly dryRun?: true;
}

/** Ids by name, as the reference's loader writes them. */
interface Results {
  readonly images: Record<string, string>;
  readonly recipes: Record<string, string>;
}

export function addLoad(program: Command): void {
  withCommonOptions(program.command('load').argument('<manifest>', 'YAML file, version 1.0.0 or 1.1.0'))
    .option('--values <file>', 'YAML file with values for {{ placeholders }} in the manifest')
    .option('--results <file>', 'write the ids by name into this YAML file, once all is loaded')
    .option('--again', 'load also what is there already under the same name with the same checksums')
    .option('--dry-run', 'only say what would be loaded')
    .description("load recipes and images as the reference's bulk loader does (ims-load-artifacts)")
    .addHelpText('after', '\nExample:\n  kiln load manifest.yaml --results records.yaml')
    .action(load);
}

async function load(file: string, flags: LoadFlags): Promise<void> {
  const context = contextOf(flags);
  const manifest = await readManifest(file, flags.values);
  const base = dirname(resolve(file));
  const results: Results = { images: {}, recipes: {} };
  const folder = await mkdtemp(join(tmpdir(), 'kiln-load-'));
  try {
    await interruptible(async (signal) => {
      const loading: Loading = { context, base, folder, signal, flags };
      for (const [name, recipe] of Object.entries(manifest.recipes ?? {})) {
        results.recipes[name] = await loadRecipe(loading, name, recipe);
      }
      for (const [name, image] of Object.entries(manifest.images ?? {})) {
        results.images[name] = await loadImage(loading, name, image);
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (flags.results !== undefined && !flags.dryRun) {
    await writeFile(flags.results, stringify(results));
  }
  context.print(results, []);
}

interface Loading {
  readonly context: CommandContext;
  /** Where relative paths begin. */
  readonly base: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly flags: LoadFlags;
}

async function loadRecipe(loading: Loading, name: string, recipe: LoadRecipe): Promise<string> {
  const { context, flags, signal } = loading;
  const request = {
    name,
    linux_distribution: recipe.linux_distribution,
    arch: recipe.arch ?? ('x86_64' as const),
    require_dkms: recipe.require_dkms ?? false,
    template_dictionary: Object.entries(recipe.template_dictionary ?? {}).map(([key, value]) => ({
      key,
      value: String(value),
    })),
  };
  if (flags.dryRun) {
    context.say(`would load recipe ${name} from ${recipe.link.path}`);
    return '';
  }
  const from = await fetched(loading, recipe);
  const { id } = await registerRecipe(context, request, { from, reuse: !flags.again, signal });
  context.say(`recipe ${name}: ${id}`);
  return id;
}

async function loadImage(
  loading: Loading,
  name: string,
  image: { arch?: 'x86_64' | 'aarch64'; artifacts: readonly LoadArtifact[] },
): Promise<string> {
  const { context, flags, signal } = loading;
  const { client } = context;
  const known = flags.again ? undefined : await sameImage(context, name, image.artifacts);
  if (known !== undefined) {
    context.say(`image ${name}: ${known}, there already`);
    return known;
  }
  if (flags.dryRun) {
    context.say(`would load image ${name}: ${image.artifacts.map(({ link }) => link.path).join(', ')}`);
    return '';
  }
  const { id } = await client.images.create({ name, arch: image.arch ?? 'x86_64' });
  try {
    for (const artifact of image.artifacts) {
      const file = await fetched(loading, artifact);
      await uploadFile(context, id, nameOf(artifact.type), file, { md5: artifact.md5 }, signal);
    }
    await client.images.publish(id);
  } catch (error) {
    await client.images.delete(id);
    throw error;
  }
  context.say(`image ${name}: ${id}`);
  return id;
}

/** The newest image of that name whose artifacts have just these checksums. */
async function sameImage(
  { client }: CommandContext,
  name: string,
  wanted: readonly LoadArtifact[],
): Promise<string | undefined> {
  const sums = (list: ReadonlyArray<{ type: string; md5?: string | null | undefined }>) =>
    list
      .map(({ type, md5 }) => `${type} ${md5?.toLowerCase()}`)
      .sort()
      .join();
  if (wanted.some(({ md5 }) => md5 === undefined)) {
    return undefined;
  }
  for (const image of (await client.images.list()).filter((each) => each.name === name).reverse()) {
    if (image.link !== null && sums(await client.images.artifacts(image.id)) === sums(wanted)) {
      return image.id;
    }
  }
  return undefined;
}

function nameOf(type: string): UploadName {
  const found = Object.entries(MEDIA_TYPES).find(([, mediaType]) => type.startsWith(mediaType));
  if (found === undefined) {
    throw new UsageError(
      `an artifact is of the type ${type}; known are ${Object.values(MEDIA_TYPES).join(', ')}`,
    );
  }
  return found[0] as UploadName;
}

/** A file that holds what the link leads to, verified. */
async function fetched(loading: Loading, { link, md5 }: Pick<LoadArtifact, 'link' | 'md5'>): Promise<string> {
  const isFile = link.type === 'file';
  const file = isFile
    ? resolve(loading.base, link.path.replace(/^file:\/\//, ''))
    : await download(loading, link.path);
  const actual = createHash('md5');
  await pipeline(createReadStream(file), actual).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be read`, { cause });
  });
  const digest = actual.digest('hex');
  if (md5 !== undefined && md5.toLowerCase() !== digest) {
    throw new UsageError(`${link.path} has the md5 ${digest}; the manifest says ${md5}`);
  }
  return file;
}

async function download({ folder, signal }: Loading, url: string): Promise<string> {
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) {
    throw new UsageError(`${url} answers ${response.status}`);
  }
  const file = join(folder, createHash('sha256').update(url).digest('hex'));
  await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(file));
  return file;
}

async function readManifest(file: string, valuesFile: string | undefined): Promise<LoadManifest> {
  const read = async (name: string) => {
    const text = await readFile(name, 'utf8').catch(() => undefined);
    if (text === undefined) {
      throw new UsageError(`there is no file ${name}`);
    }
    return text;
  };
  const values: unknown = valuesFile === undefined ? undefined : parse(await read(valuesFile));
  const text = await read(file);
  const manifest: unknown = parse(values === undefined ? text : fillIn(text, values, file));
  const [error] = Errors(LoadManifest, manifest);
  if (error !== undefined) {
    throw new UsageError(`${file}: ${error.instancePath || 'the manifest'} ${error.message}`);
  }
  return manifest as LoadManifest;
}
