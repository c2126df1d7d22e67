/**
 * Makes one builder root: debootstrap into a folder, a few files of ours, a squashfs with shifted ids. All of it runs
 * in private namespaces; a killed maker leaves a folder and nothing else.
 */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import { timestamp } from '../platform/clock.ts';
import { CommandError, defaultEnvironment, mustRun } from '../platform/exec.ts';
import { findHostMirror } from './apt-sources.ts';
import type { BuilderRootInfo, EnsureOptions } from './builder-root.ts';
import { progressOfDebootstrap } from './builder-root-progress.ts';
import type { BuilderRootRecipe } from './builder-root-recipe.ts';
import { inPrivateNamespaces } from './private-namespaces.ts';
import { FIRST_ID } from './shifted-ids.ts';

export interface Making {
  readonly digest: string;
  readonly recipe: BuilderRootRecipe;
  /** Address of the package mirror; the host's own unless set. */
  readonly mirror: string;
  /** Empty folder to work in; on success its folder `result` is the builder root. */
  readonly folder: string;
  readonly options: EnsureOptions;
}

/** Makes the builder root below `folder/result`. Throws `builder-root-failed` with the last lines of the tool. */
export async function makeBuilderRoot(making: Making): Promise<void> {
  const tree = join(making.folder, 'tree');
  const result = join(making.folder, 'result');
  try {
    await mkdir(tree, { recursive: true });
    await mkdir(result);
    await bootstrap(making, tree);
    await addFiles(tree);
    await squash(making, tree, result);
    await describe(making, tree, result);
    await rm(tree, { recursive: true, force: true });
  } catch (error) {
    making.options.signal?.throwIfAborted();
    if (error instanceof CommandError) {
      throw new KilnError('builder-root-failed', error.message, { cause: error });
    }
    throw error;
  }
}

async function bootstrap(making: Making, tree: string): Promise<void> {
  const { suite, architecture, packages } = making.recipe;
  const mirror = making.mirror === '' ? await findHostMirror() : making.mirror;
  if (mirror === undefined) {
    throw new KilnError(
      'builder-root-failed',
      "The host's apt sources name no Debian mirror; set builder.mirror to one.",
    );
  }
  const progress = progressOfDebootstrap((percent) => making.options.onProgress?.(percent));
  await mustRun(
    inPrivateNamespaces([
      'debootstrap',
      '--variant=minbase',
      // An archive that nobody vouches for would be root in every build.
      '--force-check-gpg',
      `--arch=${architecture}`,
      `--include=${packages.join(',')}`,
      suite,
      tree,
      mirror,
      // Older debootstraps do not know the names of newer suites; all of them are made like this one.
      'sid',
    ]),
    {
      env: { ...defaultEnvironment(), DEBIAN_FRONTEND: 'noninteractive' },
      onLine(line) {
        progress(line);
        making.options.onLine?.(line);
      },
      ...(making.options.signal ? { signal: making.options.signal } : {}),
    },
  );
}

/** File systems of the kernel that Kiwi binds into a root: in a user namespace nobody may change their owner. */
const RPM_MACROS = '%_netsharedpath /proc:/sys:/dev\n';

async function addFiles(tree: string): Promise<void> {
  await mkdir(join(tree, 'etc/rpm'), { recursive: true });
  await writeFile(join(tree, 'etc/rpm/macros.kiln'), RPM_MACROS);
  // Debootstrap copies these of the host; in the sandbox they are made for each command.
  await writeFile(join(tree, 'etc/resolv.conf'), '');
  await writeFile(join(tree, 'etc/hostname'), 'kiln-build\n');
}

/** Contents that a fresh root does not need. */
const LEFT_OUT = ['proc/*', 'sys/*', 'dev/*', 'mnt/*', 'tmp/*', 'var/cache/apt/*', 'var/lib/apt/lists/*'];

async function squash(making: Making, tree: string, result: string): Promise<void> {
  making.options.onLine?.('I: Squashing the builder root');
  const script = `
mount --bind "$2" "$1/mnt"
mount -t proc proc "$1/proc"
shift_ids="$3" tree="$1"; shift 3
exec chroot "$tree" mksquashfs / /mnt/root.squashfs -noappend -no-progress -no-xattrs \\
  -comp zstd -Xcompression-level 3 -uid-gid-offset "$shift_ids" -wildcards -e "$@"`;
  await mustRun(
    inPrivateNamespaces(['sh', '-e', '-c', script, 'sh', tree, result, String(FIRST_ID), ...LEFT_OUT]),
    making.options.signal ? { signal: making.options.signal } : {},
  );
  making.options.onProgress?.(99);
}

async function describe(making: Making, tree: string, result: string): Promise<void> {
  const { digest, recipe } = making;
  const { size } = await stat(join(result, 'root.squashfs'));
  const info: BuilderRootInfo = {
    digest,
    suite: recipe.suite,
    architecture: recipe.architecture,
    created: timestamp(new Date()),
    sizeBytes: size,
    packages: installedPackages(await readFile(join(tree, 'var/lib/dpkg/status'), 'utf8')),
  };
  await writeFile(join(result, 'root.json'), `${JSON.stringify(info, null, 2)}\n`);
}

/** Names and versions out of dpkg's own records. */
export function installedPackages(status: string): { name: string; version: string }[] {
  return status
    .split('\n\n')
    .filter((record) => /^Status: .* installed$/m.test(record))
    .map((record) => ({
      name: /^Package: (.*)$/m.exec(record)?.[1] ?? '',
      version: /^Version: (.*)$/m.exec(record)?.[1] ?? '',
    }));
}
