/**
 * Keeps made packages in the cache folder of the host, one folder a key. Only what Kiln's own script made in a sandbox
 * that no recipe was in comes here. A folder appears as a whole, and each file is held against its digest when it is read.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** Contents by file name. */
export type Files = ReadonlyMap<string, Buffer>;

const INDEX = 'index.json';
const Digests = Type.Record(Type.String({ pattern: '^[a-z]+\\.(rpm|deb)$' }), Type.String());

export interface PackageCache {
  /** Undefined when nothing is kept under this key, or it is not what was put there. */
  find(key: string): Promise<Files | undefined>;
  keep(key: string, files: Files): Promise<void>;
}

export function createPackageCache(folder: string): PackageCache {
  return {
    async find(key) {
      const at = join(folder, key);
      try {
        const digests: unknown = JSON.parse(await readFile(join(at, INDEX), 'utf8'));
        if (!Value.Check(Digests, digests)) {
          return undefined;
        }
        const files = new Map<string, Buffer>();
        for (const [name, digest] of Object.entries(digests)) {
          const content = await readFile(join(at, name));
          if (digestOf(content) !== digest) {
            return undefined;
          }
          files.set(name, content);
        }
        return files;
      } catch (error) {
        if (error instanceof SyntaxError || isMissing(error)) {
          return undefined;
        }
        throw error;
      }
    },

    async keep(key, files) {
      await mkdir(folder, { recursive: true });
      const fresh = await mkdtemp(join(folder, '.new-'));
      try {
        const digests: Record<string, string> = {};
        for (const [name, content] of files) {
          await writeFile(join(fresh, name), content);
          digests[name] = digestOf(content);
        }
        await writeFile(join(fresh, INDEX), JSON.stringify(digests));
        await replace(fresh, join(folder, key));
      } finally {
        await rm(fresh, { recursive: true, force: true });
      }
    },
  };
}

/** What is in the way is damaged, or the same from another job. */
async function replace(fresh: string, target: string): Promise<void> {
  try {
    await rename(fresh, target);
  } catch (error) {
    if (
      !(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))
    ) {
      throw error;
    }
    const old = `${fresh}-old`;
    await rename(target, old);
    await rename(fresh, target);
    await rm(old, { recursive: true, force: true });
  }
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
