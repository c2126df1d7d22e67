/** What a runner and its executor agree on, so that the work of a job outlives it. Both are in the folder of the job. */

/** Says that the disk is to be kept, and how far the work on it is (JSON, `Checkpoint`). */
export const CHECKPOINT_NOTE = 'checkpoint.json';
/** The disk of the workspace. */
export const WORKSPACE_DISK = 'disk.img';
