/**
 * The rpm distribution that tests use: made once on a machine, kept in the cache by the digest of what it is made
 * from, shared by all processes. How it is made is the business of maker.ts.
 *
 * The digest covers this folder (the package set is part of it) and the builder root, not the index of the mirror:
 * with the index in it a test could not run without a network, and would build for minutes whenever the suite moved.
 * So the versions are those of the day on which it was made; sources.json beside the repositories says which.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../../src/platform/process-lock.ts';
import { readSettings } from '../../src/platform/settings.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { type MakingOptions, makeDistribution } from './maker.ts';
import { HOST, type Machine } from './package-set.ts';

export interface RpmDistribution {
  readonly folder: string;
  /** Folders of rpms with metadata (repodata), which is signed. */
  readonly repositories: { readonly main: string; readonly updates: string; readonly broken: string };
  /** Armored; all packages but two are signed with it. */
  readonly publicKey: string;
  /** Armored; `kiln-test-badsig` is signed with it. */
  readonly wrongPublicKey: string;
}

/** Makes the distribution when this machine has none that is current: some minutes, and some 220 MB of downloads. */
export async function ensureRpmDistribution(
  machine: Machine = HOST,
  onLine: (line: string) => void = printLine,
): Promise<RpmDistribution> {
  const builder = await testBuilderRoot();
  const settings = readSettings({ environment: process.env });
  const cache = join(settings['cache.folder'], 'rpm-distribution');
  const folder = join(cache, await digestOf(import.meta.dirname, builder.digest, machine));
  if (!(await exists(folder))) {
    await mkdir(cache, { recursive: true });
    await withLock(folder, undefined, async () => {
      if (!(await exists(folder))) {
        const mirror = settings['builder.mirror'];
        await make(cache, folder, { builderRoot: builder.path, machine, mirror, onLine });
      }
    });
  }
  return {
    folder,
    repositories: {
      main: join(folder, 'main'),
      updates: join(folder, 'updates'),
      broken: join(folder, 'broken'),
    },
    publicKey: await readFile(join(folder, 'right-key.asc'), 'utf8'),
    wrongPublicKey: await readFile(join(folder, 'wrong-key.asc'), 'utf8'),
  };
}

async function make(
  cache: string,
  folder: string,
  options: Pick<MakingOptions, 'builderRoot' | 'machine' | 'mirror' | 'onLine'>,
): Promise<void> {
  const making = `${folder}.making`;
  const scratch = await mkdtemp(join(tmpdir(), 'kiln-rpm-distribution-'));
  try {
    // We hold the lock: whoever left this folder is dead.
    await rm(making, { recursive: true, force: true });
    // The archives are those of whoever makes one: two at once would not agree on which are old.
    const archives = join(cache, `archives-${options.machine}`);
    await withLock(archives, undefined, () =>
      makeDistribution({
        folder: making,
        archives,
        scratch: join(scratch, 'workspace'),
        ...options,
      }),
    );
    await rename(making, folder);
  } finally {
    await rm(making, { recursive: true, force: true });
    await rm(scratch, { recursive: true, force: true });
  }
}

async function digestOf(sources: string, builderRoot: string, machine: Machine): Promise<string> {
  const hash = createHash('sha256').update(`${builderRoot}\n${machine}\n`);
  const files = await readdir(sources, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.sort()) {
    hash.update(`${path.slice(sources.length)}\n`).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 32);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function printLine(line: string): void {
  process.stderr.write(`rpm distribution: ${line}\n`);
}
