/** Copies of the changes of an overlay: the upper layer with its work folder, which has the index of its hard links. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../platform/exec.ts';

const LAYERS = ['upper', 'work'] as const;
const KEPT = 'kept';

/** Copies the changes as they are now; nothing may be writing to the overlay. The copy replaces an earlier one. */
export async function keepLayers(folder: string): Promise<void> {
  const [fresh, kept] = [join(folder, `${KEPT}.new`), join(folder, KEPT)];
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh);
  await copy(folder, fresh);
  await rm(kept, { recursive: true, force: true });
  await rename(fresh, kept);
}

/** Puts the copy in the place of the changes, if there is one. The overlay must not be mounted. */
export async function restoreLayers(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!(await readdir(folder)).includes(KEPT)) {
    return;
  }
  for (const name of LAYERS) {
    await emptyFolder(join(folder, name));
  }
  await copy(join(folder, KEPT), folder);
}

/** The folder itself stays: overlays know their layers, and the index its upper layer, by the inode. */
export async function emptyFolder(folder: string): Promise<void> {
  await Promise.all(
    (await readdir(folder)).map((name) => rm(join(folder, name), { recursive: true, force: true })),
  );
}

/** In one go: a hard link between the layers stays one. */
async function copy(from: string, to: string): Promise<void> {
  await mustRun(['cp', '--archive', ...LAYERS.map((name) => join(from, name)), to]);
}
