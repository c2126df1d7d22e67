/**
 * Copies of the changes of an overlay: the upper layer with its work folder, which has the index of its hard links. By programs
 * that get through trees which are deeper than a path may be long.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../platform/exec.ts';

const LAYERS = ['upper', 'work'] as const;
const KEPT = 'kept';

/** Copies the changes as they are now; nothing may be writing to the overlay. The copy replaces an earlier one. */
export async function keepLayers(folder: string): Promise<void> {
  const [fresh, kept] = [join(folder, `${KEPT}.new`), join(folder, KEPT)];
  await mustRun(['rm', '-rf', fresh]);
  await mkdir(fresh);
  try {
    await copy(folder, fresh);
  } catch (error) {
    await mustRun(['rm', '-rf', fresh]);
    throw error;
  }
  await mustRun(['rm', '-rf', kept]);
  await rename(fresh, kept);
}

/** Puts the copy in the place of the changes; without one there are none any more. The overlay must not be mounted. */
export async function restoreLayers(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!(await readdir(folder)).includes(KEPT)) {
    await mustRun(['rm', '-rf', ...LAYERS.map((name) => join(folder, name))]);
    return;
  }
  for (const name of LAYERS) {
    await emptyFolder(join(folder, name));
  }
  await copy(join(folder, KEPT), folder);
}

/** The folder itself stays: overlays know their layers, and the index its upper layer, by the inode. */
export async function emptyFolder(folder: string): Promise<void> {
  if ((await readdir(folder)).length > 0) {
    await mustRun(['find', folder, '-mindepth', '1', '-delete']);
  }
}

/** In one go: a hard link between the layers stays one. */
async function copy(from: string, to: string): Promise<void> {
  await mustRun(['cp', '--archive', ...LAYERS.map((name) => join(from, name)), to]);
}
