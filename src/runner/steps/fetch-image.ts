/**
 * The root file system of the image that is customized: in the cache of this host by its digest, or fetched into it, verified
 * while it is written. A file that goes from the cache meanwhile stays as long as it is mounted.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../platform/bytes.ts';
import type { Step, StepContext } from '../step.ts';
import { download, verify, writeAll } from './fetch.ts';

const SUFFIX = '.squashfs';

/** Gives the path of the file on this host. */
export const fetchImage: Step<undefined, string> = {
  name: 'fetch-image',
  async run(context) {
    const { source, cache, image_cache_bytes } = context.document;
    const folder = join(cache, 'images');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (source.sha256 !== null) {
      const known = join(folder, `${source.sha256}${SUFFIX}`);
      if (await isThere(known)) {
        await utimes(known, new Date(), new Date());
        context.note(`${formatBytes(source.size_bytes)}, in the cache of this host`);
        return known;
      }
    }
    // What a killed runner leaves half fetched goes with its workspace.
    const part = join(context.document.workspace, 'image.part');
    const sha256 = await fetchInto(context, part);
    const kept = join(folder, `${sha256}${SUFFIX}`);
    context.note(`${formatBytes(source.size_bytes)}, sha256 ${sha256}`);
    if (source.size_bytes > image_cache_bytes || !(await moved(part, kept))) {
      return part;
    }
    await makeRoom(folder, image_cache_bytes, kept);
    return kept;
  },
};

async function fetchInto(context: StepContext, path: string): Promise<string> {
  const { source } = context.document;
  const digests = { md5: createHash('md5'), sha256: createHash('sha256') };
  const file = await open(path, 'w', 0o600);
  try {
    await download(context, async (chunk) => {
      digests.md5.update(chunk);
      digests.sha256.update(chunk);
      await writeAll(file, chunk);
    });
  } finally {
    await file.close();
  }
  const sha256 = digests.sha256.digest('hex');
  verify('md5', source.md5, digests.md5.digest('hex'));
  verify('sha256', source.sha256, sha256);
  return sha256;
}

/** False when the cache is on another file system: then the job uses its own file. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EXDEV') {
      return false;
    }
    throw error;
  }
}

/** Removes the files that were used longest ago, until the rest fits. */
async function makeRoom(folder: string, limitBytes: number, newest: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      return { path, size, mtimeMs };
    }),
  );
  let bytes = files.reduce((sum, file) => sum + file.size, 0);
  for (const file of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (bytes > limitBytes && file.path !== newest) {
      await rm(file.path, { force: true });
      bytes -= file.size;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
