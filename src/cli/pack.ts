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
import { type Pack, pack } from 'tar-stream';
import { KilnError } from '../contract/errors.ts';
import { showTransfer, type TransferOptions } from './transfer.ts';

export interface PackedRecipe {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** The entity tag that the store gives it. */
  readonly md5: string;
  /** Its bytes; on a terminal a line with that label shows how far they have come. */
  body(label: string, output: TransferOptions['output']): ReadableStream;
  /** Removes what packing left on disk. */
  [Symbol.asyncDispose](): Promise<void>;
}

const LEFT_OUT = new Set(['.git', '.svn', '.hg']);
const EPOCH = new Date(0);

/** A folder is packed, a file is taken as it is. Throws `recipe-no-config` for a folder without a config.xml. */
export async function packRecipe(source: string): Promise<PackedRecipe> {
  const about = await stat(source).catch(() => undefined);
  if (about === undefined) {
    throw new KilnError('recipe-no-config', `there is no folder or archive ${source}`);
  }
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
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file)) {
    sha256.update(chunk);
    md5.update(chunk);
    sizeBytes += chunk.length;
  }
  return {
    sizeBytes,
    sha256: sha256.digest('hex'),
    md5: md5.digest('hex'),
    body(label, output) {
      const bytes = showTransfer(createReadStream(file), { label, totalBytes: sizeBytes, output });
      return Readable.toWeb(Readable.from(bytes)) as ReadableStream;
    },
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

async function addFile(archive: Pack, path: string, header: Parameters<Pack['entry']>[0]): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const entry = archive.entry({ ...header, size });
    await pipeline(file.createReadStream({ autoClose: false }), entry);
  } finally {
    await file.close();
  }
}
