/**
 * The root file system of the image that is customized: in the cache of this host by its digest, or fetched into it, verified
 * while it is written. A file that goes from the cache meanwhile stays as long as it is mounted.
 */
import { copyFile, mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../platform/bytes.ts';
import { CommandError } from '../../platform/exec.ts';
import { download } from '../download.ts';
import { BUILD, IMAGE_ROOT, writable } from '../image-root.ts';
import { isSquashfs, unpackRootArchive } from '../root-archive.ts';
import type { Step, StepContext } from '../step.ts';
import { ARCHIVE_FOLDER } from './fetch.ts';

const SUFFIX = '.squashfs';
/** Share of its file system that the cache leaves free. */
const LEAST_FREE = 0.1;
const ARCHIVE = { folder: ARCHIVE_FOLDER, at: '/work/archive', writable: false };
/** A root that came as something else, made into a squashfs. */
const IMPORTED = { folder: 'imported', at: '/work/imported', writable: true };
const IMPORTED_NAME = 'root.squashfs';

/** Gives the path of a squashfs on this host. Throws `root-unreadable` for a root that is neither that nor a tar. */
export const fetchImage: Step<undefined, string> = {
  name: 'fetch-image',
  async run(context) {
    const path = await fetched(context);
    return (await isSquashfs(path)) ? path : await imported(context, path);
  },
};

async function fetched(context: StepContext): Promise<string> {
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
  const file = await open(part, 'w', 0o644);
  const sha256 = await download(context, source, file).finally(() => file.close());
  const kept = join(folder, `${sha256}${SUFFIX}`);
  context.note(`${formatBytes(source.size_bytes)}, sha256 ${sha256}`);
  if (source.size_bytes > image_cache_bytes || !(await moved(part, kept))) {
    return part;
  }
  await makeRoom(folder, image_cache_bytes, kept);
  return kept;
}

/** Made once: layers that are kept of a job belong to this very file, which is kept with them. */
async function imported(context: StepContext, archive: string): Promise<string> {
  const { workspace } = context;
  const path = join(workspace.hostPath(IMPORTED.folder), IMPORTED_NAME);
  if (await isThere(path)) {
    return path;
  }
  context.log('The root of the image is no squashfs: it is made into one first');
  await workspace.makeFolder(BUILD.folder);
  await workspace.makeFolder(IMPORTED.folder);
  await workspace.makeFolder(ARCHIVE.folder);
  await copyFile(archive, join(workspace.hostPath(ARCHIVE.folder), 'root'));
  await unpackRootArchive(context, {
    squashfs: false,
    at: `${ARCHIVE.at}/root`,
    binds: [ARCHIVE, writable(BUILD)],
  });
  await workspace.removeFolder(ARCHIVE.folder);
  const part = `${IMPORTED_NAME}.part`;
  const result = await workspace.run({
    argv: ['mksquashfs', IMAGE_ROOT, `${IMPORTED.at}/${part}`, '-quiet', '-no-progress', '-comp', 'lz4'],
    binds: [BUILD, IMPORTED],
    network: 'none',
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (result.exitCode !== 0) {
    throw new CommandError(result, `ended with code ${result.exitCode}`);
  }
  await rename(join(workspace.hostPath(IMPORTED.folder), part), path);
  await workspace.removeFolder(BUILD.folder);
  return path;
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

/** Removes the files that were used longest ago, until the rest fits and the disk is not nearly full. */
async function makeRoom(folder: string, limitBytes: number, newest: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      return { path, size, mtimeMs };
    }),
  );
  const { bavail, blocks, bsize } = await statfs(folder);
  let bytes = files.reduce((sum, file) => sum + file.size, 0);
  let lacking = blocks * bsize * LEAST_FREE - bavail * bsize;
  for (const file of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if ((bytes > limitBytes || lacking > 0) && file.path !== newest) {
      await rm(file.path, { force: true });
      bytes -= file.size;
      lacking -= file.size;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
