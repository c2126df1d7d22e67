/**
 * The cgroups of jobs: `kiln/<job id>` in every hierarchy that is mounted, be it version 1, 2 or both. The
 * sandbox makes them; this ends what runs in them and removes them.
 */
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../../platform/wait.ts';
import { mounts } from './mounts.ts';
import { sendSignal } from './processes.ts';

const PARENT = 'kiln';
const END_MS = 10_000;

export interface CgroupTree {
  /** Ends every process in the groups of the job and removes them. Throws when one does not end. */
  remove(jobId: string): Promise<void>;
  /** Removes the folder above all jobs where it is empty. */
  removeParent(): Promise<void>;
}

/** `root`: the one hierarchy to look at, instead of all that are mounted. */
export function cgroupTree(root?: string): CgroupTree {
  const roots = async () =>
    root === undefined
      ? (await mounts()).filter((mount) => /^cgroup2?$/.test(mount.type)).map((mount) => mount.target)
      : [root];

  return {
    async remove(jobId) {
      const groups: string[] = [];
      for (const hierarchy of await roots()) {
        groups.push(...(await groupsBelow(join(hierarchy, PARENT, jobId))));
      }
      if (groups.length === 0) {
        return;
      }
      await waitFor(async () => ((await killIn(groups)) === 0 ? true : undefined), {
        timeoutMs: END_MS,
        describe: () => `the processes in ${groups.join(', ')} to end`,
      });
      for (const group of groups) {
        await removeGroup(group);
      }
    },
    async removeParent() {
      for (const hierarchy of await roots()) {
        await removeIfEmpty(join(hierarchy, PARENT));
      }
    },
  };
}

/** The group and those in it, deepest first; none when it is not there. */
async function groupsBelow(folder: string): Promise<string[]> {
  const entries = await unlessCode('ENOENT', readdir(folder, { withFileTypes: true }), undefined);
  if (entries === undefined) {
    return [];
  }
  const inner: string[] = [];
  for (const entry of entries.filter((each) => each.isDirectory())) {
    inner.push(...(await groupsBelow(join(folder, entry.name))));
  }
  return [...inner, folder];
}

/** Sends KILL to all processes; gives how many there were. */
async function killIn(groups: readonly string[]): Promise<number> {
  let count = 0;
  for (const group of groups) {
    const list = await unlessCode('ENOENT', readFile(join(group, 'cgroup.procs'), 'utf8'), '');
    // 0 stands for a process that this process cannot see.
    for (const pid of list.split('\n').map(Number).filter(Boolean)) {
      sendSignal(pid, 'SIGKILL');
      count += 1;
    }
    if (list !== '') {
      await thaw(group);
    }
  }
  return count;
}

/** A frozen process does not even die. */
async function thaw(group: string): Promise<void> {
  for (const [file, value] of [
    ['freezer.state', 'THAWED'],
    ['cgroup.freeze', '0'],
  ] as const) {
    const files: string[] = await unlessCode('ENOENT', readdir(group), []);
    if (files.includes(file)) {
      await unlessCode('ENOENT', writeFile(join(group, file), value), undefined);
    }
  }
}

/** The kernel may hold on to a group for a moment after its last process has ended. */
async function removeGroup(folder: string): Promise<void> {
  const gone = async () =>
    unlessCode(
      'EBUSY',
      unlessCode(
        'ENOENT',
        rmdir(folder).then(() => true),
        true,
      ),
      undefined,
    );
  await waitFor(gone, { timeoutMs: END_MS, describe: () => `the cgroup ${folder} to become free` });
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(codeOf(error))) {
      throw error;
    }
  }
}

async function unlessCode<T, U>(code: string, work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === code) {
      return otherwise;
    }
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
