/**
 * The root of an image as an overlay: its squashfs below, read-only and with shifted ids, what the platform lays over it for a
 * while in the middle, and on top the upper layer that takes every change. Ready at once, whatever the size of the image.
 */
import { lstat, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun } from '../platform/exec.ts';
import { packageFile } from '../platform/package-root.ts';
import { borrowed } from './borrowed.ts';
import { giveOwnBack } from './lent-copies.ts';
import { takeLentLines } from './lent-lines.ts';
import { mountLoop, unmount } from './mounts.ts';
import { ID_COUNT, ID_SHIFT } from './oci-bundle.ts';
import type { ImageOverlay, LaidFile, OverlayOptions } from './overlay.ts';
import { emptyFolder, keepLayers, restoreLayers } from './overlay-layers.ts';

const SCRIPT = packageFile('src', 'builder', 'scripts', 'mount_image.py');
/** With the index, hard links of the image stay hard links when one of them is changed. */
const OPTIONS = 'index=on,xino=on';

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
  const layers = `lowerdir=${laid}:${original},upperdir=${upper},workdir=${work}`;
  const close = async () => {
    for (const target of [root, original, plain]) {
      await unmount(target);
    }
  };
  try {
    if (options.from === 'kept') {
      await restoreLayers(places.layers);
    }
    await mkdir(work, { recursive: true });
    const isNew = (await mkdir(upper, { recursive: true })) !== undefined;
    await emptyFolder(laid);
    await mountLoop(options.squashfs, plain, 'ro,nodev');
    const spec = {
      ...{ plain, original, upper, work, laid, root },
      options: OPTIONS,
      id_shift: ID_SHIFT,
      id_count: ID_COUNT,
      is_new: isNew,
      ...(await whatToLay(plain, options.laid)),
    };
    await mustRun([...borrowed(places.builder, 'usr/bin/python3'), '-I', '-S', SCRIPT], {
      input: JSON.stringify(spec),
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    root,
    original,
    upper,
    close,
    keep: () => keepLayers(places.layers),
    async settle() {
      await mustRun(['umount', root]);
      await giveOwnBack({ upper, laid, original }, options.laid);
      await takeLentLines(upper, options.laid);
      await emptyFolder(laid);
      await mustRun(['mount', '-t', 'overlay', '-o', `nodev,${OPTIONS},${layers}`, 'overlay', root]);
    },
  };
}

interface ToLay {
  readonly folders: string[];
  readonly files: Record<string, string>;
  readonly missing: string[];
}

/** The image is read-only, so that what is found about a path stays true. */
async function whatToLay(image: string, laid: readonly LaidFile[]): Promise<ToLay> {
  const folders = new Set<string>();
  const files: Record<string, string> = {};
  const missing: string[] = [];
  for (const { path, content } of laid) {
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
        files[path] = text;
        for (const parent of parents) {
          folders.add(parent);
        }
      }
    }
  }
  return { folders: [...folders], files, missing };
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
