/**
 * The folder of the workspace disk with the record of the shells of a job. The runner alone writes to it, on the host: no command
 * of the sandbox ever has it. It is on the disk because that is what is kept of a job that fails.
 */
import { readdir } from 'node:fs/promises';
import { RECORDINGS } from '../../contract/history.ts';

export const RECORD_FOLDER = 'history';

export function recordingFile(number: number): string {
  return `${number}.cast`;
}

/** Numbers of the recordings that there are, in order; none where there is no such folder. */
export async function recordingsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') {
      return [];
    }
    throw error;
  });
  return Array.from({ length: RECORDINGS }, (_, index) => index + 1).filter((number) =>
    names.includes(recordingFile(number)),
  );
}
