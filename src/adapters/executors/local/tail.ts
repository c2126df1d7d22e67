/** The end of a text file. */
import type { FileHandle } from 'node:fs/promises';

const TAIL_BYTES = 8 * 1024;
const TAIL_LINES = 20;

/** The last 20 lines, or as many of them as there are in the last 8 KiB. */
export async function tailOf(file: FileHandle): Promise<string[]> {
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  // The first one is cut unless the file begins with it.
  return lines
    .slice(start === 0 ? 0 : 1)
    .filter((line) => line !== '')
    .slice(-TAIL_LINES);
}
