/**
 * The disk of a workspace: a sparse file with a file system of exactly the size that the job may fill. What a
 * build writes is bounded by it, whatever the build does.
 */
import { open, stat, statfs, truncate } from 'node:fs/promises';
import { KilnError } from '../contract/errors.ts';
import { mustRun } from '../platform/exec.ts';
import { mountLoop } from './mounts.ts';

/**
 * Mounts the disk, which is made unless it is there; one that is there may grow. Throws `host-disk-full` when the host has no
 * room for the file system itself.
 */
export async function openDisk(file: string, bytes: number, target: string): Promise<void> {
  const before = await sizeOf(file);
  if (before !== undefined) {
    // Without a journal, a disk that lost its power has to be looked at first; one that was unmounted is clean at once.
    await mustRun(['e2fsck', '-p', ...(bytes > before ? ['-f'] : []), file]);
    if (bytes > before) {
      await truncate(file, bytes);
      await mustRun(['resize2fs', file]);
    }
  } else {
    await makeDisk(file, bytes);
  }
  // Without noinit_itable the kernel would write the inode tables that mkfs left out, gigabytes on a large disk.
  await mountLoop(file, target, 'noatime,nodev,discard,noinit_itable');
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function makeDisk(file: string, bytes: number): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.truncate(bytes);
    } finally {
      await handle.close();
    }
    // No journal and no reserve: the disk lives as long as the job, and nobody repairs it.
    await mustRun([
      'mkfs.ext4',
      '-q',
      '-F',
      '-O',
      '^has_journal',
      '-m',
      '0',
      '-E',
      'lazy_itable_init=1,nodiscard',
      file,
    ]);
  } catch (cause) {
    if (cause instanceof Error && /ENOSPC|No space left/.test(cause.message)) {
      throw new KilnError('host-disk-full', `there is no room for the disk of the workspace: ${file}`, {
        cause,
      });
    }
    throw cause;
  }
}

export async function diskUsage(folder: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
