/**
 * `kiln describe-packages`: asks the tools of the builder root what is in packages, in the sandbox, since packages are
 * hostile input. It runs in private namespaces, so that nothing of it outlives it, and is told its work on its
 * standard input. What it finds is left in the folder that it was given.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Workspace } from '../../builder/sandbox.ts';
import { openWorkspace } from '../../builder/workspace.ts';
import { KilnError } from '../../contract/errors.ts';
import { GIB } from '../../platform/bytes.ts';
import { openRegular } from '../../platform/safe-file.ts';
import { type AptParts, aptPartsOf, type RpmParts, rpmPartsOf } from './description.ts';

export const DescribeTask = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  /** Folder of the task: `in` has the packages, each with a number as its name. */
  folder: Type.String(),
  builder_root: Type.String(),
  format: Type.Enum(['rpm', 'apt']),
});
export type DescribeTask = Static<typeof DescribeTask>;

export interface Described {
  readonly parts: readonly (readonly [number, RpmParts | AptParts])[];
  /** What the tools said of packages that they could not read, by number. */
  readonly complaints: Readonly<Record<string, string>>;
}

export const RESULT = 'result.json';

const IN = '/packages/in';
const OUT = { folder: 'out', at: '/packages/out', writable: true };
const LIMITS = { diskBytes: 4 * GIB, memoryBytes: 2 * GIB, cpus: 2, pids: 256 };
const LIST_LIMIT_BYTES = 512 * 1024 * 1024;
const CREATEREPO = [
  'createrepo_c',
  '--no-database',
  '--simple-md-filenames',
  '--general-compress-type=gz',
  '--checksum=sha256',
  `--outputdir=${OUT.at}`,
  '.',
];
const FTPARCHIVE = ['sh', '-c', `apt-ftparchive packages . > ${OUT.at}/Packages`];

/** Throws `bad-request` for a task that cannot be read, or what the sandbox throws. */
export async function describePackages(input: Readable): Promise<void> {
  const task: unknown = JSON.parse(await text(input));
  if (!Value.Check(DescribeTask, task)) {
    throw new KilnError('bad-request', 'this is no task');
  }
  const workspace = await openWorkspace({
    jobId: task.id,
    folder: join(task.folder, 'workspace'),
    builderRoot: task.builder_root,
    limits: LIMITS,
    trustedCertificates: [],
  });
  try {
    await workspace.makeFolder(OUT.folder);
    const described = await describe(workspace, task);
    await writeFile(join(task.folder, RESULT), JSON.stringify(described), { mode: 0o600 });
  } finally {
    await workspace.close();
  }
}

async function describe(workspace: Workspace, { format, folder }: DescribeTask): Promise<Described> {
  const complaints: Record<string, string> = {};
  const result = await workspace.run({
    argv: format === 'rpm' ? CREATEREPO : FTPARCHIVE,
    cwd: IN,
    env: { TAR_OPTIONS: '' },
    binds: [OUT],
    hostBinds: [{ hostPath: join(folder, 'in'), at: IN, writable: false }],
    network: 'none',
    onLine(line) {
      const [, number] = /\.\/(\d+)\.(?:rpm|deb)\b/.exec(line) ?? [];
      if (number !== undefined) {
        complaints[number] = line.replace(/^.*?\.\/\d+\.(?:rpm|deb)'?:? ?/, '').trim() || 'it cannot be read';
      }
    },
  });
  if (result.outOfMemory) {
    throw new KilnError('sandbox-failed', 'reading the packages took more memory than 2 GiB');
  }
  const out = workspace.hostPath(OUT.folder);
  if (format === 'apt') {
    return {
      parts: [...aptPartsOf((await readBounded(join(out, 'Packages'))).toString('utf8'))],
      complaints,
    };
  }
  const list = async (name: string) =>
    gunzipSync(await readBounded(join(out, 'repodata', `${name}.xml.gz`)), {
      maxOutputLength: LIST_LIMIT_BYTES,
    }).toString('utf8');
  const lists = {
    primary: await list('primary'),
    filelists: await list('filelists'),
    other: await list('other'),
  };
  return { parts: [...rpmPartsOf(lists)], complaints };
}

async function readBounded(path: string): Promise<Buffer> {
  const { handle, sizeBytes } = await openRegular(path);
  try {
    if (sizeBytes > LIST_LIMIT_BYTES) {
      throw new KilnError('sandbox-failed', `the list of ${sizeBytes} bytes is too large to be one`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Reads what a task left. */
export async function readDescribed(folder: string): Promise<Described> {
  return JSON.parse(await readFile(join(folder, RESULT), 'utf8'));
}
