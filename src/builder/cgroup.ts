/** The cgroups of sandboxes on hosts with cgroup v1, v2 and both: what they tell, and their removal. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { waitFor } from '../platform/wait.ts';

const ROOT = '/sys/fs/cgroup';
const VANISHING_MS = 10_000;

const EVENT_FILES = [
  (cgroup: string) => `${ROOT}/memory${cgroup}/memory.oom_control`,
  (cgroup: string) => `${ROOT}${cgroup}/memory.events`,
];

/** How many processes of the cgroup the kernel killed for want of memory. */
export async function outOfMemoryKills(cgroup: string): Promise<number> {
  for (const fileOf of EVENT_FILES) {
    const text = await readFile(fileOf(cgroup), 'utf8').catch(() => undefined);
    if (text !== undefined) {
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
    }
  }
  return 0;
}

/** Whether a limit of swap can be set; cgroup v1 has none when the kernel does not count swap. */
export function canLimitSwap(): boolean {
  return !existsSync(`${ROOT}/memory`) || existsSync(`${ROOT}/memory/memory.memsw.limit_in_bytes`);
}

const FREEZERS = [
  {
    file: (cgroup: string) => `${ROOT}/freezer${cgroup}/freezer.state`,
    frozen: 'FROZEN',
    thawed: 'THAWED',
    isFrozen: (cgroup: string) => [`${ROOT}/freezer${cgroup}/freezer.state`, /^FROZEN$/m] as const,
  },
  {
    file: (cgroup: string) => `${ROOT}${cgroup}/cgroup.freeze`,
    frozen: '1',
    thawed: '0',
    isFrozen: (cgroup: string) => [`${ROOT}${cgroup}/cgroup.events`, /^frozen 1$/m] as const,
  },
];
const FREEZING_MS = 10_000;

/**
 * Stops all processes of a cgroup while the work goes on. Throws when they cannot be stopped within ten seconds, as one cannot
 * that waits for a dead disk.
 */
export async function whileFrozen<T>(cgroup: string, work: () => Promise<T>): Promise<T> {
  const freezer = FREEZERS.find(({ file }) => existsSync(file(cgroup)));
  if (freezer === undefined) {
    throw new Error(`${cgroup} is in no hierarchy that can freeze it`);
  }
  const [events, pattern] = freezer.isFrozen(cgroup);
  try {
    await writeFile(freezer.file(cgroup), freezer.frozen);
    await waitFor(async () => (pattern.test(await readFile(events, 'utf8')) ? true : undefined), {
      timeoutMs: FREEZING_MS,
      intervalMs: 5,
      describe: () => `the processes of ${cgroup} to stop`,
    });
    return await work();
  } finally {
    await writeFile(freezer.file(cgroup), freezer.thawed);
  }
}

/**
 * Removes a cgroup and those in it from every hierarchy, once its processes, killed already, are gone. Throws when
 * one is still there after ten seconds.
 */
export async function removeCgroup(cgroup: string): Promise<void> {
  const hierarchies = [ROOT, ...(await namesIn(ROOT)).map((name) => join(ROOT, name))];
  for (const hierarchy of hierarchies) {
    const folder = join(hierarchy, cgroup);
    await waitFor(async () => ((await removeFolders(folder)) ? true : undefined), {
      timeoutMs: VANISHING_MS,
      intervalMs: 5,
      describe: () => `the processes of ${folder} to be gone`,
    });
    await removeIfEmpty(dirname(folder), hierarchy);
  }
}

/** The folder that all jobs share goes with the last of them. */
async function removeIfEmpty(folder: string, hierarchy: string): Promise<void> {
  if (folder === hierarchy || (await namesIn(folder)).length > 0) {
    return;
  }
  await rmdir(folder).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EBUSY' && code !== 'ENOENT' && code !== 'ENOTEMPTY') {
      throw error;
    }
  });
}

/** Gives whether the folder is gone now. */
async function removeFolders(folder: string): Promise<boolean> {
  for (const name of await namesIn(folder)) {
    await removeFolders(join(folder, name));
  }
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EBUSY') {
      return false;
    }
    if (code === 'ENOENT') {
      return true;
    }
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
