/**
 * Lines that the platform lends to files of an image. Whoever edits such a file copies them with it into the upper layer;
 * from there they are taken out again.
 */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LaidFile } from './overlay.ts';

const LIMIT_BYTES = 8 * 1024 * 1024;

/** The overlay must not be mounted. Whatever is in the upper layer instead of a file stays as it is. */
export async function takeLentLines(upper: string, files: readonly LaidFile[]): Promise<void> {
  for (const { path, lines = [] } of files) {
    if (lines.length > 0 && (await isPlainFile(upper, path))) {
      await withoutLines(join(upper, path), lines);
    }
  }
}

/** The layer is somebody else's: a link on the way could lead anywhere. */
async function isPlainFile(upper: string, path: string): Promise<boolean> {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    const found = await lstat(join(upper, folder)).catch(() => undefined);
    if (found?.isDirectory() !== true) {
      return false;
    }
  }
  const file = await lstat(join(upper, path)).catch(() => undefined);
  return file?.isFile() === true && file.size <= LIMIT_BYTES;
}

async function withoutLines(path: string, lines: readonly string[]): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const { atime, mtime } = await handle.stat();
    // Byte for byte: nobody says that it is UTF-8.
    const text = (await handle.readFile()).toString('latin1');
    const kept = text
      .split(/(?<=\n)/)
      .filter((line) => !lines.includes(line.trimEnd()))
      .join('');
    if (kept !== text) {
      await handle.truncate(0);
      await handle.write(Buffer.from(kept, 'latin1'), 0, undefined, 0);
      await handle.utimes(atime, mtime);
    }
  } finally {
    await handle.close();
  }
}
