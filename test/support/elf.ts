/** Which machine the programs, libraries and kernel modules of a tree are for: told by the header of every file. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from './run.ts';

/** `e_machine` of 64-bit ARM. */
export const AARCH64 = 183;

const HEADER_BYTES = 20;
const MAGIC = '\x7fELF';
const CPIO_HEADER_BYTES = 110;

/** `e_machine` by path below the root, of each file that is of the ELF format. */
export function elfFilesOf(root: string): Map<string, number> {
  const found = new Map<string, number>();
  const header = Buffer.alloc(HEADER_BYTES);
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      const file = openSync(path, 'r');
      const bytes = readSync(file, header, 0, HEADER_BYTES, 0);
      closeSync(file);
      note(found, relative(root, path), header.subarray(0, bytes));
    }
  }
  return found;
}

/** The same of an initrd: archives of cpio (`newc`), the last of which is compressed with zstd. */
export async function elfFilesOfInitrd(file: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const compressed = readArchives(await readFile(file), found);
  const [packed, unpacked] = [`${file}.zst`, `${file}.cpio`] as const;
  await writeFile(packed, compressed);
  await run('zstd', ['--decompress', '--quiet', packed, '-o', unpacked]);
  const rest = readArchives(await readFile(unpacked), found);
  if (rest.length > 0) {
    throw new Error(`${file} has ${rest.length} bytes behind its archives`);
  }
  await Promise.all([packed, unpacked].map((path) => rm(path)));
  return found;
}

/** Gives what follows the archives. */
function readArchives(data: Buffer, found: Map<string, number>): Buffer {
  let at = 0;
  while (at < data.length) {
    if (data[at] === 0) {
      at += 1;
      continue;
    }
    if (data.toString('latin1', at, at + 5) !== '07070') {
      break;
    }
    const field = (number: number) =>
      Number.parseInt(data.toString('latin1', at + 6 + number * 8, at + 14 + number * 8), 16);
    const [size, nameSize] = [field(6), field(11)];
    const content = aligned(at + CPIO_HEADER_BYTES + nameSize);
    const name = data.toString('utf8', at + CPIO_HEADER_BYTES, at + CPIO_HEADER_BYTES + nameSize - 1);
    note(found, name, data.subarray(content, content + Math.min(size, HEADER_BYTES)));
    at = aligned(content + size);
  }
  return data.subarray(at);
}

const aligned = (offset: number) => Math.ceil(offset / 4) * 4;

function note(found: Map<string, number>, path: string, header: Buffer): void {
  if (header.length === HEADER_BYTES && header.toString('latin1', 0, MAGIC.length) === MAGIC) {
    found.set(path, header.readUInt16LE(18));
  }
}
