/**
 * Keeps the work of a job should it fail. The disk of the workspace has the work; a note beside it says how far it is,
 * and has the executor put the disk aside when the job ends. See docs/decisions/0009-customize.md.
 */
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CHECKPOINT_NOTE,
  type Checkpoint,
  type CheckpointProgress,
  WORKSPACE_DISK,
} from '../contract/checkpoints.ts';
import type { JobDocument } from '../contract/runner.ts';
import { timestamp } from '../platform/clock.ts';
import { mustRun } from '../platform/exec.ts';

export interface Keeper {
  /** The checkpoint of an earlier job that this one goes on with. */
  readonly resume: JobDocument['resume'];
  /** From now on this is what is kept. */
  reached(progress: CheckpointProgress): Promise<void>;
  /** The same before anything was done for it: nothing has to be on the disk yet, whose flushing may take its time. */
  begun(progress: CheckpointProgress): Promise<void>;
  /** Nothing is to be kept any more. */
  forget(): Promise<void>;
}

export interface KeeperOptions {
  readonly document: Pick<JobDocument, 'workspace' | 'resume'>;
  /** Where the disk of the workspace is mounted. */
  readonly disk: string;
  readonly now: () => Date;
  tell(checkpoint: Checkpoint): void;
}

/** Removes the disk of a closed workspace, unless it is to be kept. */
export async function dropDisk(folder: string): Promise<void> {
  if (!(await readdir(folder)).includes(CHECKPOINT_NOTE)) {
    await rm(join(folder, WORKSPACE_DISK), { force: true });
  }
}

export function createKeeper({ document, disk, now, tell }: KeeperOptions): Keeper {
  const note = join(document.workspace, CHECKPOINT_NOTE);

  async function begun(progress: CheckpointProgress): Promise<void> {
    const checkpoint = { ...progress, at: timestamp(now()) };
    await writeFile(`${note}.new`, JSON.stringify(checkpoint), { mode: 0o600 });
    await rename(`${note}.new`, note);
    tell(checkpoint);
  }

  return {
    resume: document.resume,
    begun,
    async reached(progress) {
      // The disk has no journal: what counts has to be on it before the note says so.
      await mustRun(['sync', '--file-system', disk]);
      await begun(progress);
    },
    forget: () => rm(note, { force: true }),
  };
}
