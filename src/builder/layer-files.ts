/** Files of the layers of an overlay, which are somebody else's: a link on the way to one could lead anywhere. */
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Of larger ones nobody looks at the content. */
export const LIMIT_BYTES = 8 * 1024 * 1024;

/** Whether everything above it is a folder of the layer, and no link. */
export async function isBelowFolders(layer: string, path: string): Promise<boolean> {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    const found = await lstat(join(layer, folder)).catch(() => undefined);
    if (found?.isDirectory() !== true) {
      return false;
    }
  }
  return true;
}

export async function isPlainFile(layer: string, path: string): Promise<boolean> {
  if (!(await isBelowFolders(layer, path))) {
    return false;
  }
  const file = await lstat(join(layer, path)).catch(() => undefined);
  return file?.isFile() === true && file.size <= LIMIT_BYTES;
}
