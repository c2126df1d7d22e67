/** Where a program of the host is, as the one door for commands would find it. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultEnvironment } from '../platform/exec.ts';

/** Its path; undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (defaultEnvironment()['PATH'] ?? '').split(':')) {
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) {
      return path;
    }
  }
  return undefined;
}
