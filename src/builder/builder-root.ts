/**
 * The builder roots of this host: where they are cached, when one is made, which may go. How one is made, and of
 * what, is the business of builder-root-maker.ts.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { CommandError } from '../platform/exec.ts';
import type { Log } from '../platform/log.ts';
import { withLock } from '../platform/process-lock.ts';
import { hostMirror } from './apt-sources.ts';
import { type MakingWatch, makeBuilderRoot, packagesFor, RECIPE_VERSION } from './builder-root-maker.ts';
import { HOST_ARCHITECTURE, isEmulated } from './emulation.ts';
import { makeForeignRoot } from './foreign-root-maker.ts';
import { ID_SHIFT } from './oci-bundle.ts';

/** As digests have them. */
const NODE_NAMES: Record<Architecture, string> = { x86_64: 'x64', aarch64: 'arm64' };

export interface BuilderRootOptions {
  /** Folder that holds `builder-roots/`. */
  readonly cacheFolder: string;
  /** Debian suite, for example forky. */
  readonly suite: string;
  /** Address of the package mirror; the one of the host's apt sources when empty. */
  readonly mirror: string;
  /** Names of packages besides those that Kiln needs. */
  readonly extraPackages: readonly string[];
  readonly log?: Log;
}

export interface ReadyBuilderRoot {
  readonly digest: string;
  /** Squashfs with shifted ids. */
  readonly path: string;
  /** Whether it was there already. */
  readonly reused: boolean;
}

export interface BuilderRootInfo {
  readonly digest: string;
  readonly path: string;
  readonly suite: string;
  /** RFC 3339. */
  readonly created: string;
  readonly sizeBytes: number;
  /** Whether it is the one that the settings ask for. */
  readonly current: boolean;
}

export interface BuilderRoots {
  /** Content address of the builder root that the settings ask for; for this machine unless another is named. */
  digest(arch?: Architecture): string;
  /** Address of the mirror that one would be made from. Throws `builder-root-failed` when there is none. */
  mirror(): Promise<string>;
  /**
   * The builder root of the settings, for this machine unless another is named; makes it when it is not cached: in one to two
   * minutes, or in a quarter of an hour where the other machine has to be emulated. However many processes ask at once, one
   * makes it. Throws `builder-root-failed`, `architecture-not-supported`, or the signal's reason.
   */
  ensure(watch?: MakingWatch, arch?: Architecture): Promise<ReadyBuilderRoot>;
  list(): Promise<BuilderRootInfo[]>;
  /** Removes all but those of the settings, and gives what it removed or, on a dry run, would remove. */
  prune(options: { dryRun: boolean }): Promise<BuilderRootInfo[]>;
}

export function createBuilderRoots(options: BuilderRootOptions): BuilderRoots {
  const folder = join(options.cacheFolder, 'builder-roots');
  const packagesOf = (arch: Architecture) => [...packagesFor(arch), ...options.extraPackages].sort();
  // The mirror stays out of it: the same packages come from all of them.
  const digestOf = (arch: Architecture) =>
    createHash('sha256')
      .update(JSON.stringify([RECIPE_VERSION, options.suite, packagesOf(arch), NODE_NAMES[arch], ID_SHIFT]))
      .digest('hex')
      .slice(0, 32);
  const current = ARCHITECTURES.map(digestOf);
  const pathOf = (each: string) => join(folder, each, 'root.squashfs');

  async function mirror(): Promise<string> {
    const found = options.mirror === '' ? await hostMirror() : options.mirror;
    if (found === undefined) {
      throw new KilnError(
        'builder-root-failed',
        'the apt sources of this host name no mirror; set builder.mirror',
      );
    }
    return found;
  }

  async function cached(digest: string): Promise<ReadyBuilderRoot | undefined> {
    return (await exists(pathOf(digest))) ? { digest, path: pathOf(digest), reused: true } : undefined;
  }

  async function make(watch: MakingWatch, arch: Architecture): Promise<ReadyBuilderRoot> {
    const digest = digestOf(arch);
    // We hold the lock: whoever left this folder is dead.
    const making = join(folder, `${digest}.making`);
    await rm(making, { recursive: true, force: true });
    await mkdir(making);
    options.log?.info({ digest, arch, suite: options.suite }, 'making the builder root');
    try {
      const packages = packagesOf(arch);
      const given = { folder: making, digest, suite: options.suite, mirror: await mirror(), packages };
      if (isEmulated(arch)) {
        const { path: native } = await ensure(watch);
        await makeForeignRoot({ ...given, arch, native }, watch);
      } else {
        await makeBuilderRoot(given, watch);
      }
      await rename(making, join(folder, digest));
    } catch (cause) {
      await rm(making, { recursive: true, force: true });
      watch.signal?.throwIfAborted();
      throw failure(cause);
    }
    options.log?.info({ digest }, 'the builder root is ready');
    return { digest, path: pathOf(digest), reused: false };
  }

  async function infoOf(name: string): Promise<BuilderRootInfo | undefined> {
    const text = await readFile(join(folder, name, 'root.json'), 'utf8').catch(() => undefined);
    if (text === undefined) {
      return undefined;
    }
    const { suite, created } = parseAbout(text);
    const { size } = await stat(pathOf(name));
    return {
      digest: name,
      path: pathOf(name),
      suite,
      created,
      sizeBytes: size,
      current: current.includes(name),
    };
  }

  async function list(): Promise<BuilderRootInfo[]> {
    const names = await readdir(folder).catch(() => []);
    const found = await Promise.all(names.filter((name) => /^[0-9a-f]{32}$/.test(name)).map(infoOf));
    return found.filter((info) => info !== undefined);
  }

  async function ensure(watch: MakingWatch = {}, arch = HOST_ARCHITECTURE): Promise<ReadyBuilderRoot> {
    const digest = digestOf(arch);
    const found = await cached(digest);
    if (found !== undefined) {
      return found;
    }
    if (isEmulated(arch) && arch !== 'aarch64') {
      throw new KilnError('architecture-not-supported', `this machine does not emulate ${arch}`);
    }
    await mkdir(folder, { recursive: true });
    return await withLock(
      join(folder, `${digest}.lock`),
      watch.signal,
      async () => (await cached(digest)) ?? (await make(watch, arch)),
    );
  }

  return {
    digest: (arch = HOST_ARCHITECTURE) => digestOf(arch),
    mirror,
    ensure,
    list,
    async prune({ dryRun }) {
      const old = (await list()).filter((info) => !info.current);
      if (!dryRun) {
        await Promise.all(old.map((info) => rm(join(folder, info.digest), { recursive: true, force: true })));
      }
      return old;
    },
  };
}

function parseAbout(text: string): { suite: string; created: string } {
  const about: unknown = JSON.parse(text);
  const fields = typeof about === 'object' && about !== null ? about : {};
  return {
    suite: 'suite' in fields ? String(fields.suite) : '',
    created: 'created' in fields ? String(fields.created) : '',
  };
}

function failure(cause: unknown): KilnError {
  if (cause instanceof KilnError) {
    return cause;
  }
  const detail = cause instanceof CommandError ? cause.message : String(cause);
  return new KilnError('builder-root-failed', detail, { cause });
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
