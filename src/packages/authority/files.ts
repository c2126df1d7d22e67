/**
 * The folder of the authority. Every file is written beside its place, brought to the disk and renamed, so that a
 * process or machine that dies leaves the old file or the new one, and nothing that nobody else may read is readable.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface AuthorityFiles {
  readonly folder: string;
  /** Undefined when there is no such file. */
  read(name: string): Promise<string | undefined>;
  /** Written as a whole or not at all; readable by the service alone. */
  write(name: string, text: string): Promise<void>;
  /** Removes everything but these. */
  keepOnly(names: ReadonlySet<string>): Promise<void>;
}

export async function openAuthorityFiles(folder: string): Promise<AuthorityFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  return {
    folder,

    async read(name) {
      try {
        return await readFile(join(folder, name), 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
          return undefined;
        }
        throw error;
      }
    },

    async write(name, text) {
      const target = join(folder, name);
      const beside = `${target}.${randomBytes(4).toString('hex')}.new`;
      const file = await open(beside, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, target);
      await syncFolder(folder);
    },

    async keepOnly(names) {
      for (const name of await readdir(folder)) {
        if (!names.has(name)) {
          await rm(join(folder, name), { recursive: true, force: true });
        }
      }
    },
  };
}

/** A rename is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
