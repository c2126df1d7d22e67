/**
 * Squashes the root of the image: zstd, all processors, extended attributes, and the owners as the sandbox sees
 * them. What Kiwi keeps in the root for itself, and what only lives while a system runs, stays out.
 */
import { join } from 'node:path';
import { formatBytes, MIB } from '../../platform/bytes.ts';
import { CommandError } from '../../platform/exec.ts';
import { openRegular } from '../../platform/safe-file.ts';
import { IMAGE_ROOT, imageRoot, OUT } from '../image-root.ts';
import type { Step } from '../step.ts';
import type { ArtifactFile } from './boot-files.ts';

const RUNTIME_FOLDERS = ['proc', 'sys', 'dev', 'run', 'tmp'];
const LEFT_BY_KIWI = [
  'image',
  '.kconfig',
  '.profile',
  '.buildenv',
  'config.bootoptions',
  'var/cache/kiwi',
  'var/lib/dpkg/status.kiwi',
];
const EXCLUDED = [...RUNTIME_FOLDERS.flatMap((folder) => [`${folder}/*`, `${folder}/.*`]), ...LEFT_BY_KIWI];
/** What mksquashfs says once of each kind that it finds. */
const ACCESS_LISTS = /Unrecognised xattr prefix system\.posix_acl/;
const PERCENT = /^\s*(\d{1,3})\s*$/;

export const squash: Step<undefined, ArtifactFile> = {
  name: 'squash',
  async run(context) {
    const { document, workspace } = context;
    const name = 'rootfs';
    // By default it takes a quarter of the host's memory, which may be more than the job has.
    const cacheMib = Math.max(64, Math.floor(document.limits.memory_bytes / 4 / MIB));
    const argv = ['mksquashfs', IMAGE_ROOT, `${OUT.at}/${name}`, '-noappend', '-quiet', '-percentage'];
    let losesLists = false;
    const result = await workspace.run({
      argv: [
        ...argv,
        ...['-comp', 'zstd', '-Xcompression-level', String(document.squashfs_zstd_level)],
        ...['-mem', `${cacheMib}M`],
        // An image that is customized keeps what it has, whatever it is.
        ...(document.job_type === 'customize' ? [] : ['-wildcards', '-e', ...EXCLUDED]),
      ],
      binds: [imageRoot(context.document), OUT],
      network: 'none',
      signal: context.signal,
      onLine(line) {
        const percent = PERCENT.exec(line)?.[1];
        if (percent !== undefined) {
          context.progress({ done: Number(percent), total: 100, unit: 'percent' });
        } else if (ACCESS_LISTS.test(line)) {
          losesLists = true;
        } else if (line.trim() !== '') {
          context.log(line);
        }
      },
    });
    if (result.exitCode !== 0) {
      throw new CommandError(result, `ended with code ${result.exitCode}`);
    }

    const path = join(workspace.hostPath(OUT.folder), name);
    const { handle, sizeBytes } = await openRegular(path);
    await handle.close();
    if (losesLists) {
      context.log('warning: the root has POSIX access control lists, for which a squashfs has no room');
    }
    const lost = losesLists ? '; access control lists are not kept' : '';
    context.note(`${formatBytes(sizeBytes)}, zstd level ${document.squashfs_zstd_level}${lost}`);
    return { name, path };
  },
};
