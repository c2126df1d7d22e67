/** Has packages described by a process of its own, a batch at a time; see describe-process.ts. */
import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inPrivateNamespaces } from '../../builder/private-namespaces.ts';
import type { RepositoryFormat } from '../../contract/repositories.ts';
import { mustRun } from '../../platform/exec.ts';
import { type Described, type DescribeTask, readDescribed } from './describe-process.ts';

const DEADLINE_MS = 10 * 60 * 1000;

export interface Describer {
  /** Reads the packages, files of this host by number. Throws when the tools cannot be run. */
  describe(format: RepositoryFormat, files: ReadonlyMap<number, string>): Promise<Described>;
}

export interface DescriberOptions {
  /** Folder for tasks, on the file system of the packages. What is in it at the start is a crash's. */
  readonly folder: string;
  /** How Kiln itself is started: the words before `describe-packages`. */
  readonly entry: readonly string[];
  readonly builderRoot: () => Promise<{ readonly path: string }>;
}

export function createDescriber({ folder, entry, builderRoot }: DescriberOptions): Describer {
  return {
    async describe(format, files) {
      const id = randomUUID();
      const task: DescribeTask = {
        id,
        folder: join(folder, id),
        builder_root: (await builderRoot()).path,
        format,
      };
      try {
        await mkdir(join(task.folder, 'in'), { recursive: true, mode: 0o755 });
        for (const [number, path] of files) {
          const name = join(task.folder, 'in', `${number}.${format === 'rpm' ? 'rpm' : 'deb'}`);
          await link(path, name);
          // The sandbox's root is nobody on the host; the folders above keep everybody else out.
          await chmod(name, 0o644);
        }
        await mustRun(inPrivateNamespaces([...entry, 'describe-packages']), {
          input: JSON.stringify(task),
          timeoutMs: DEADLINE_MS,
        });
        return await readDescribed(task.folder);
      } finally {
        await rm(task.folder, { recursive: true, force: true });
      }
    },
  };
}
