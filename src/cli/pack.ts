/** Packs the folder of a recipe into a tar.gz that is the same for the same content, wherever and whenever. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdtemp, open, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';
import { KilnError } from '../contract/errors.ts';

export interface PackedRecipe {
  readonly sizeBytes: number;
  readonly sha256: string;
  body(): ReadableStream;
  /** Removes what packing left on disk. */
  [Symbol.asyncDispose](): Promise<void>;
}

const LEFT_OUT = new Set(['.git', '.svn', '.hg']);
const EPOCH = new Date(0);

/** A folder is packed, a file is taken as it is. Throws `recipe-no-config` for a folder without a config.xml. */
export async function packRecipe(source: string): Promise<PackedRecipe> {
  const about = await stat(source);
  if (!about.isDirectory()) {
    return await packed(source, async () => undefined);
  }
  const names = await readdir(source);
  if (!names.includes('config.xml')) {
    throw new KilnError('recipe-no-config', `${source} has no config.xml`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'kiln-pack-'));
  const clean = () => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, 'recipe.tar.gz');
    const archive = pack();
    await Promise.all([
      pipeline(archive, createGzip(), createWriteStream(file)),
      addFolder(archive, source, '').then(() => archive.finalize()),
    ]);
    return await packed(file, clean);
  } catch (error) {
    await clean();
    throw error;
  }
}

async function packed(file: string, clean: () => Promise<void>): Promise<PackedRecipe> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return {
    sizeBytes,
    sha256: hash.digest('hex'),
    body: () => Readable.toWeb(createReadStream(file)) as ReadableStream,
    [Symbol.asyncDispose]: clean,
  };
}

async function addFolder(archive: Pack, folder: string, prefix: string): Promise<void> {
  for (const name of (await readdir(folder)).sort()) {
    if (LEFT_OUT.has(name)) {
      continue;
    }
    const path = join(folder, name);
    const about = await lstat(path);
    const header = { name: prefix + name, mode: about.mode & 0o777, mtime: EPOCH, uid: 0, gid: 0 };
    if (about.isDirectory()) {
      archive.entry({ ...header, type: 'directory' });
      await addFolder(archive, path, `${header.name}/`);
    } else if (about.isSymbolicLink()) {
      archive.entry({ ...header, type: 'symlink', linkname: await readlink(path) });
    } else if (about.isFile()) {
      await addFile(archive, path, header);
    } else {
      throw new KilnError('recipe-archive-hostile', `${path} is neither a file, a folder nor a link`);
    }
  }
}

async function addFile(
  archive: Pack,
  path: string,
  header: Pick<Header, 'name' | 'mode' | 'mtime' | 'uid' | 'gid'>,
): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const entry = archive.entry({ ...header, size });
    await pipeline(file.createReadStream({ autoClose: false }), entry);
  } finally {
    await file.close();
  }
}
