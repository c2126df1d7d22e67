/**
 * Opens files that something in the sandbox wrote. Such a file is only opened when it is a regular file itself:
 * no link is followed, and a pipe or device cannot make the runner wait.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { KilnError } from '../contract/errors.ts';

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface OpenFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** Throws `step-failed` when there is something else than a regular file; the caller closes the handle. */
export async function openRegular(path: string): Promise<OpenFile> {
  const handle = await open(path, FLAGS);
  const info = await handle.stat();
  if (!info.isFile()) {
    await handle.close();
    throw new KilnError('step-failed', `${path} is not a regular file`);
  }
  return { handle, sizeBytes: info.size };
}
