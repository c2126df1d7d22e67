/**
 * What is kept of jobs that failed: the disk of the workspace of each, with the note of its runner, in a folder of its own
 * below the state folder. It goes when another job takes it over, or when its time is over.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKPOINT_NOTE, WORKSPACE_DISK } from '../../../contract/checkpoints.ts';
import { KilnError } from '../../../contract/errors.ts';

const HOUR_MS = 3_600_000;

export interface Checkpoints {
  /** Puts aside what the folder of a job has to be kept of; nothing without a note of its runner. */
  keep(jobId: string, folder: string): Promise<void>;
  /** Moves what is kept of a job into the folder of another one. Throws `checkpoint-gone`. */
  take(jobId: string, folder: string): Promise<void>;
  /** Removes what was kept for longer than it has to be. */
  prune(): Promise<void>;
}

export function createCheckpoints(stateFolder: string, hours: number): Checkpoints {
  const parent = join(stateFolder, 'checkpoints');
  const names = async () => await readdir(parent).catch(ignoringMissing<string[]>([]));

  return {
    async keep(jobId, folder) {
      const [note, disk] = [join(folder, CHECKPOINT_NOTE), join(folder, WORKSPACE_DISK)];
      if (hours === 0 || !(await isThere(note)) || !(await isThere(disk))) {
        return;
      }
      const kept = join(parent, jobId);
      await mkdir(kept, { recursive: true, mode: 0o700 });
      await rename(disk, join(kept, WORKSPACE_DISK));
      await rename(note, join(kept, CHECKPOINT_NOTE));
    },

    async take(jobId, folder) {
      const kept = join(parent, jobId);
      try {
        // The note first: should this process end here, the release of either job finds both again.
        await rename(join(kept, CHECKPOINT_NOTE), join(folder, CHECKPOINT_NOTE));
        await rename(join(kept, WORKSPACE_DISK), join(folder, WORKSPACE_DISK));
      } catch (cause) {
        throw new KilnError('checkpoint-gone', `what was kept of job ${jobId} is not there any more`, {
          cause,
        });
      }
      await rm(kept, { recursive: true });
    },

    async prune() {
      const oldest = Date.now() - hours * HOUR_MS;
      for (const name of await names()) {
        const kept = join(parent, name);
        const found = await stat(kept).catch(ignoringMissing(undefined));
        if (found !== undefined && found.mtimeMs < oldest) {
          await rm(kept, { recursive: true, force: true });
        }
      }
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoringMissing(undefined))) !== undefined;
}

function ignoringMissing<T>(otherwise: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') {
      return otherwise;
    }
    throw error;
  };
}
