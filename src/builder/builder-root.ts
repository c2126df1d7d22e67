/**
 * The builder roots of this host: where they are cached, when one is made, which may go. How one is made is the
 * business of builder-root-maker.ts, what it is made of that of builder-root-recipe.ts.
 */
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import type { Log } from '../platform/log.ts';
import { makeBuilderRoot } from './builder-root-maker.ts';
import { builderRootRecipe, digestOfRecipe } from './builder-root-recipe.ts';
import { withFileLock, withFreeFileLock } from './file-lock.ts';

export interface BuilderRootOptions {
  /** Folder that holds `builder-roots/`. */
  readonly cacheFolder: string;
  /** Debian suite, for example forky. */
  readonly suite: string;
  /** Package mirror; the one of the host's apt sources when empty. */
  readonly mirror: string;
  /** More packages, separated by commas. */
  readonly extraPackages: string;
  readonly log: Log;
}

/** What root.json beside a builder root says about it. */
export interface BuilderRootInfo {
  readonly digest: string;
  readonly suite: string;
  readonly architecture: string;
  /** RFC 3339. */
  readonly created: string;
  readonly sizeBytes: number;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

export interface EnsureOptions {
  /** Called for each line of the tools, when there is something to make. */
  readonly onLine?: (line: string) => void;
  /** Called with whole percents, rising, when there is something to make. */
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

export interface ReadyBuilderRoot {
  readonly digest: string;
  /** Squashfs with shifted ids. */
  readonly path: string;
}

export interface BuilderRoots {
  /** Content address of the builder root that the settings ask for. */
  digest(): string;
  /**
   * The builder root of the settings; makes it (one to two minutes) when it is not cached. However many processes
   * ask at once, one makes it. Throws `builder-root-failed`, or the signal's reason.
   */
  ensure(options?: EnsureOptions): Promise<ReadyBuilderRoot>;
  /** The cached builder roots, newest first. */
  list(): Promise<BuilderRootInfo[]>;
  /** Removes all but the one of the settings, and what dead makers left. Gives those that it removed. */
  prune(options?: { dryRun?: boolean }): Promise<BuilderRootInfo[]>;
}

export function createBuilderRoots(settings: BuilderRootOptions): BuilderRoots {
  const recipe = builderRootRecipe(settings.suite, settings.extraPackages);
  const current = digestOfRecipe(recipe);
  const folder = join(settings.cacheFolder, 'builder-roots');
  const folderOf = (digest: string) => join(folder, digest);
  const partialOf = (digest: string) => join(folder, `${digest}.partial`);
  const lockOf = (digest: string) => join(folder, `${digest}.lock`);
  const ready: ReadyBuilderRoot = { digest: current, path: join(folderOf(current), 'root.squashfs') };

  const isCached = async () => (await readInfo(folderOf(current))) !== undefined;

  async function make(options: EnsureOptions): Promise<void> {
    const partial = partialOf(current);
    settings.log.info({ digest: current, suite: recipe.suite }, 'making the builder root');
    await removeTree(partial);
    await removeTree(folderOf(current));
    try {
      await makeBuilderRoot({ digest: current, recipe, mirror: settings.mirror, folder: partial, options });
      await rename(join(partial, 'result'), folderOf(current));
    } finally {
      await removeTree(partial);
    }
    options.onProgress?.(100);
    settings.log.info({ digest: current }, 'the builder root is ready');
  }

  async function list(): Promise<BuilderRootInfo[]> {
    const names = await namesIn(folder);
    const infos = await Promise.all(names.map((name) => readInfo(join(folder, name))));
    return infos
      .filter((info) => info !== undefined)
      .sort((one, other) => other.created.localeCompare(one.created));
  }

  async function removePartials(): Promise<void> {
    for (const name of await namesIn(folder)) {
      if (name.endsWith('.partial')) {
        // A maker holds the lock of what it makes: a free lock means that it is dead.
        const digest = name.slice(0, -'.partial'.length);
        await withFreeFileLock(lockOf(digest), () => removeTree(partialOf(digest)));
      }
    }
  }

  return {
    digest: () => current,
    async ensure(options = {}) {
      if (await isCached()) {
        return ready;
      }
      await mkdir(folder, { recursive: true });
      const wait = () => options.onLine?.('I: Waiting for another process that makes the builder root');
      await withFileLock(
        lockOf(current),
        async () => {
          if (!(await isCached())) {
            await make(options);
          }
        },
        { onWait: wait, ...(options.signal ? { signal: options.signal } : {}) },
      );
      return ready;
    },
    list,
    async prune(options = {}) {
      const old = (await list()).filter((info) => info.digest !== current);
      if (options.dryRun !== true) {
        await Promise.all(old.map((info) => removeTree(folderOf(info.digest))));
        await removePartials();
      }
      return old;
    },
  };
}

async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(readdir(folder))) ?? [];
}

/** What root.json says, when it is there and the squashfs beside it is whole. */
async function readInfo(folder: string): Promise<BuilderRootInfo | undefined> {
  const file = join(folder, 'root.json');
  const text = await ifThere(readFile(file, 'utf8'));
  const squashfs = await ifThere(stat(join(folder, 'root.squashfs')));
  if (text === undefined || squashfs === undefined) {
    return undefined;
  }
  const info = parseInfo(text, file);
  return info.sizeBytes === squashfs.size ? info : undefined;
}

function parseInfo(text: string, file: string): BuilderRootInfo {
  const info: unknown = JSON.parse(text);
  if (typeof info === 'object' && info !== null && 'digest' in info && 'sizeBytes' in info) {
    return info as BuilderRootInfo;
  }
  throw new KilnError(
    'builder-root-failed',
    `${file} is not a description of a builder root; remove its folder.`,
  );
}

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}
