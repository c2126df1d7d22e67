/**
 * Copies of lent files in the upper layer. A program that only touches such a file has copied it there, one that appends to it has
 * appended to the copy, and many put it aside as a backup, in the same folder, before they write their own. What was
 * lent gives way to what the image has there itself.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isBelowFolders, isPlainFile } from './layer-files.ts';
import type { LaidFile } from './overlay.ts';

export interface LentLayers {
  /** All changes; it is somebody else's: a link in it could lead anywhere. */
  readonly upper: string;
  /** What is lent. */
  readonly laid: string;
  /** The image as it was. */
  readonly original: string;
}

/** The overlay must not be mounted. */
export async function giveOwnBack(
  layers: LentLayers,
  files: readonly Pick<LaidFile, 'path' | 'alone'>[],
): Promise<void> {
  for (const { path, alone } of files) {
    const lent = await contentOf(layers.laid, path);
    if (lent !== undefined && lent.length > 0 && (await isBelowFolders(layers.upper, path))) {
      const own = await contentOf(layers.original, path);
      for (const name of await readdir(join(layers.upper, dirname(path)))) {
        if (!alone || name === basename(path)) {
          await restore(layers, { path, lent, own }, join(dirname(path), name));
        }
      }
    }
  }
}

interface Lent {
  readonly path: string;
  readonly lent: Buffer;
  readonly own: Buffer | undefined;
}

async function restore(layers: LentLayers, { path, lent, own }: Lent, candidate: string): Promise<void> {
  const file = join(layers.upper, candidate);
  const { size } = await lstat(file);
  const isItself = basename(candidate) === basename(path);
  if (size < lent.length || (size > lent.length && !isItself)) {
    return;
  }
  const found = await contentOf(layers.upper, candidate);
  if (found?.subarray(0, lent.length).equals(lent) !== true) {
    return;
  }
  const added = found.subarray(lent.length);
  if (own === undefined) {
    if (added.length === 0) {
      await unlink(file);
    }
    return;
  }
  const before = added.length === 0 || own.at(-1) === NEWLINE[0] ? own : Buffer.concat([own, NEWLINE]);
  const { atime, mtime } = await lstat(added.length === 0 ? join(layers.original, path) : file);
  const handle = await open(file, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  try {
    await handle.writeFile(Buffer.concat([before, added]));
    await handle.utimes(atime, mtime);
  } finally {
    await handle.close();
  }
}

const NEWLINE = Buffer.from('\n');

/** Undefined for what is no plain file. */
async function contentOf(layer: string, path: string): Promise<Buffer | undefined> {
  return (await isPlainFile(layer, path)) ? readFile(join(layer, path)) : undefined;
}
