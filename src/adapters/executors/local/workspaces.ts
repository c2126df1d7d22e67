/** The folders of jobs below the state folder, and everything of this machine that hangs on them. */
import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../../platform/exec.ts';
import { withLock } from '../../../platform/process-lock.ts';
import type { CgroupTree } from './cgroups.ts';
import { createCheckpoints } from './checkpoints.ts';
import { detachLoopsOf } from './loop-devices.ts';
import { unmountBelow } from './mounts.ts';
import { areGone, processesWith, sendSignal } from './processes.ts';

/** Set for each runner, so that it is found again by anybody who knows its workspace. */
export const WORKSPACE_VARIABLE = 'KILN_WORKSPACE';

const JOB_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const END_MS = 10_000;

export interface Workspaces {
  folderOf(jobId: string): string;
  /** Makes the folder of a job, for root alone: empty, or with the disk that is kept of another job. */
  create(jobId: string, resumed?: string): Promise<string>;
  /** Removes what was kept for longer than it has to be. */
  prune(): Promise<void>;
  /** Ids of the jobs that have a folder. */
  list(): Promise<string[]>;
  /** Ends, unmounts, detaches and removes all of a job, but for what is to be kept. One without a folder is none of ours. */
  remove(jobId: string): Promise<void>;
}

export function createWorkspaces(stateFolder: string, cgroups: CgroupTree, keepHours: number): Workspaces {
  const parent = join(stateFolder, 'workspaces');
  // On a build node each command is a process of its own.
  const lock = (jobId: string, work: () => Promise<void>) => withLock(join(parent, jobId), undefined, work);
  const checkpoints = createCheckpoints(stateFolder, keepHours);

  async function list(): Promise<string[]> {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    return (await readdir(parent)).filter((name) => JOB_ID.test(name));
  }

  async function remove(jobId: string): Promise<void> {
    // Several services may share the machine, and the cgroups do not tell whose they are: the folder does.
    if (!(await list()).includes(jobId)) {
      return;
    }
    await endRunners(join(parent, jobId));
    await cgroups.remove(jobId);
    // The kernel names mounts and files by their real paths.
    const folder = await realpath(join(parent, jobId));
    await unmountBelow(folder);
    await detachLoopsOf(folder);
    await checkpoints.keep(jobId, folder);
    // The folder goes last: as long as it is there, what failed above is tried again.
    await mustRun(['rm', '--recursive', '--force', '--one-file-system', folder]);
    if ((await list()).length === 0) {
      await cgroups.removeParent();
    }
  }

  return {
    folderOf: (jobId) => join(parent, jobId),
    list,
    prune: checkpoints.prune,

    async create(jobId, resumed) {
      const folder = join(parent, jobId);
      await mkdir(parent, { recursive: true, mode: 0o700 });
      await mkdir(folder, { mode: 0o700 });
      if (resumed !== undefined) {
        await lock(resumed, () => remove(resumed));
        await checkpoints.take(resumed, folder);
      }
      return folder;
    },

    // The end of a job and another one that goes on with it may come at the same time.
    remove: (jobId) => lock(jobId, () => remove(jobId)),
  };
}

/** A runner is the first process of its pid namespace: with it, the kernel ends all others in it. */
async function endRunners(folder: string): Promise<void> {
  const runners = await processesWith(WORKSPACE_VARIABLE, folder);
  for (const runner of runners) {
    sendSignal(runner.pid, 'SIGKILL');
  }
  if (!(await areGone(runners, END_MS))) {
    throw new Error(`the runner of ${folder} does not end`);
  }
}
