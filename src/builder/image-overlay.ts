/**
 * The root of an image as an overlay: its squashfs below, read-only and with shifted ids, what the platform lays over it for a
 * while in the middle, and on top the upper layer that takes every change. Ready at once, whatever the size of the image.
 */
import { chmod, chown, lstat, mkdir, readFile, readlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun, startCommand } from '../platform/exec.ts';
import { packageFile } from '../platform/package-root.ts';
import { waitFor } from '../platform/wait.ts';
import { takeLentLines } from './lent-lines.ts';
import { mountLoop, unmount } from './mounts.ts';
import { ID_COUNT, ID_SHIFT } from './oci-bundle.ts';
import type { ImageOverlay, LaidFile, OverlayOptions } from './overlay.ts';
import { emptyFolder, keepLayers, restoreLayers } from './overlay-layers.ts';

/** Empty folders on the workspace disk, and one outside of it for mount points. */
export interface OverlayPlaces {
  /** Gets `upper`, `work` and `laid`. An upper layer that is there already is taken up again. */
  readonly layers: string;
  readonly mounts: string;
  /** Where the builder root is mounted. */
  readonly builder: string;
}

/** Throws `CommandError` when a mount is refused. */
export async function openImageOverlay(
  places: OverlayPlaces,
  options: OverlayOptions,
): Promise<ImageOverlay> {
  const plain = join(places.mounts, 'squashfs');
  const original = join(places.mounts, 'original');
  const root = join(places.mounts, 'root');
  const [upper, work, laid] = ['upper', 'work', 'laid'].map((name) => join(places.layers, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [plain, original, root, laid]) {
    await mkdir(folder, { recursive: true });
  }
  const close = async () => {
    for (const target of [root, original, plain]) {
      await unmount(target);
    }
  };
  const mountOverlay = () =>
    // With the index, hard links of the image stay hard links when one of them is changed.
    mustRun([
      'mount',
      '-t',
      'overlay',
      '-o',
      `nodev,index=on,xino=on,lowerdir=${laid}:${original},upperdir=${upper},workdir=${work}`,
      'overlay',
      root,
    ]);
  const remount = async () => {
    await mustRun(['umount', root]);
    await mountOverlay();
  };
  try {
    if (options.from === 'kept') {
      await restoreLayers(places.layers);
    }
    await mkdir(work, { recursive: true });
    await mountLoop(options.squashfs, plain, 'ro,nodev');
    await mountShifted(plain, original, places.builder);
    if (await makeFolder(upper)) {
      await copyFolders(original, upper, ['.']);
    }
    await emptyFolder(laid);
    await layFiles(original, laid, options.laid);
    await mountOverlay();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    root,
    original,
    upper,
    close,
    remount,
    keep: () => keepLayers(places.layers),
    async settle() {
      await mustRun(['umount', root]);
      await takeLentLines(upper, options.laid);
      await emptyFolder(laid);
      await mountOverlay();
    },
  };
}

/** By the builder root's own Python: neither a host's mount(8) nor its Python can be relied on for this. */
async function mountShifted(source: string, target: string, builder: string): Promise<void> {
  const script = packageFile('src', 'builder', 'scripts', 'idmap_mount.py');
  const shell = 'exec 3<"$1" 4<"$2" 5<"$3"; exec chroot "$4" python3 -I - <"$0"';
  await inShiftedNamespace((namespace) =>
    mustRun(['sh', '-ec', shell, script, source, target, namespace, builder]),
  );
}

/** Calls with the file of a user namespace that has the ids of the sandbox. */
async function inShiftedNamespace(work: (namespace: string) => Promise<unknown>): Promise<void> {
  const ours = await readlink('/proc/self/ns/user');
  const holder = await startCommand([
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    '--user',
    'sleep',
    'infinity',
  ]);
  try {
    const folder = `/proc/${holder.pid}`;
    await waitFor(async () => ((await readlink(`${folder}/ns/user`)) === ours ? undefined : true), {
      timeoutMs: 5_000,
      intervalMs: 2,
      describe: () => 'a user namespace',
    });
    const mapping = `0 ${ID_SHIFT} ${ID_COUNT}\n`;
    await writeFile(`${folder}/uid_map`, mapping);
    await writeFile(`${folder}/gid_map`, mapping);
    await work(`${folder}/ns/user`);
  } finally {
    await holder.stop();
  }
}

/** False when it was there already. */
async function makeFolder(path: string): Promise<boolean> {
  return (await mkdir(path, { recursive: true })) !== undefined;
}

/** What the merged tree shows of a folder is what its uppermost layer says, so the layers have to agree. */
async function copyFolders(from: string, to: string, folders: readonly string[]): Promise<void> {
  const script = `tar --create --no-recursion --numeric-owner --xattrs --acls -C "$0" --null -T - |
tar --extract --preserve-permissions --same-owner --numeric-owner --xattrs --xattrs-include='*' --acls -C "$1"`;
  await mustRun(['bash', '-o', 'pipefail', '-ec', script, from, to], { input: `${folders.join('\0')}\0` });
}

/** The image is read-only, so that what is found about a path stays true. */
async function layFiles(image: string, laid: string, files: readonly LaidFile[]): Promise<void> {
  const folders = new Set<string>();
  const contents = new Map<string, string>();
  const missing: string[] = [];
  for (const { path, content } of files) {
    const parents = foldersAbove(path);
    if (!(await allFolders(image, parents))) {
      continue;
    }
    const found = await lstat(join(image, path)).catch(() => undefined);
    if (content === undefined && found === undefined) {
      missing.push(path);
    }
    if (content !== undefined && (found === undefined || found.isFile())) {
      const text = typeof content === 'string' ? content : content(await readImageFile(image, path, found));
      if (text !== undefined) {
        contents.set(path, text);
        for (const parent of parents) {
          folders.add(`.${parent}`);
        }
      }
    }
  }
  if (folders.size > 0) {
    await copyFolders(image, laid, [...folders]);
  }
  for (const folder of missing) {
    await mkdir(join(laid, folder));
    await chown(join(laid, folder), ID_SHIFT, ID_SHIFT);
  }
  for (const [path, text] of contents) {
    const folder = join(laid, dirname(path));
    const { atime, mtime } = await lstat(folder);
    await writeFile(join(laid, path), text);
    await chmod(join(laid, path), 0o644);
    await chown(join(laid, path), ID_SHIFT, ID_SHIFT);
    await utimes(folder, atime, mtime);
  }
}

const READ_LIMIT_BYTES = 8 * 1024 * 1024;

async function readImageFile(
  image: string,
  path: string,
  found: { size: number } | undefined,
): Promise<Buffer | undefined> {
  if (found === undefined || found.size > READ_LIMIT_BYTES) {
    return undefined;
  }
  return readFile(join(image, path));
}

function foldersAbove(path: string): string[] {
  const parents: string[] = [];
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    parents.unshift(folder);
  }
  return parents;
}

async function allFolders(image: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const found = await lstat(join(image, folder)).catch(() => undefined);
    if (found === undefined || !found.isDirectory()) {
      return false;
    }
  }
  return true;
}
