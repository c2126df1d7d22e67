/**
 * Lines that the platform lends to files of an image. Whoever edits such a file copies them with it into the upper layer;
 * from there they are taken out again.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlainFile } from './layer-files.ts';
import type { LaidFile } from './overlay.ts';

/** The overlay must not be mounted. Whatever is in the upper layer instead of a file stays as it is. */
export async function takeLentLines(upper: string, files: readonly LaidFile[]): Promise<void> {
  for (const { path, lines = [] } of files) {
    if (lines.length > 0 && (await isPlainFile(upper, path))) {
      await withoutLines(join(upper, path), lines);
    }
  }
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
