/**
 * Makes the distribution, all of it in a sandbox on the builder root: downloads, has them converted, builds, signs,
 * indexes. Where the result is kept, and when it is made anew, is the business of index.ts.
 */
import { chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import { ID_SHIFT } from '../../src/builder/oci-bundle.ts';
import type { SandboxCommand, Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { CommandError, mustRun } from '../../src/platform/exec.ts';
import { SHARED_DIRECTORIES } from './base-packages.ts';
import { type DebianPackage, parsePackages } from './control.ts';
import { convert } from './conversion.ts';
import { BADLY_SIGNED, brokenPackages, ownPackages, UNSIGNED, updatePackages } from './own-packages.ts';
import { DEBIAN_ARCHITECTURES, type Machine, SEEDS_APART, SUITE, seeds } from './package-set.ts';
import { fileName, type RpmPackage, specOf } from './spec.ts';

const SCRIPTS = ['fetch_packages.sh', 'build_packages.py', 'lay_out.py'];
const TOOL_AT = '/usr/local/rpm-distribution';
const ARCHIVES_AT = '/work/archives';
const OUT_AT = '/work/out';

export interface MakingOptions {
  /** Empty folder that becomes the distribution's. */
  readonly folder: string;
  /** Folder of downloaded packages, kept from one time to the next. */
  readonly archives: string;
  /** For the disk of the sandbox; made and removed. */
  readonly scratch: string;
  /** Squashfs of the builder root. */
  readonly builderRoot: string;
  /** Nothing of a package runs when it is made into an rpm, so any host makes those of any machine. */
  readonly machine: Machine;
  /** Address of the package mirror; the one of the host's apt sources when empty. */
  readonly mirror: string;
  readonly onLine: (line: string) => void;
}

/** Throws `CommandError` with the last lines of the tool that failed. */
export async function makeDistribution(options: MakingOptions): Promise<void> {
  const mirror = options.mirror === '' ? await hostMirror() : options.mirror;
  if (mirror === undefined) {
    throw new Error('the apt sources of this host name no mirror to make the rpm distribution from');
  }
  for (const folder of [options.archives, options.folder]) {
    await mkdir(folder, { recursive: true });
    await chown(folder, ID_SHIFT, ID_SHIFT);
  }
  const workspace = await openWorkspace({
    jobId: `rpm-distribution-${process.pid}`,
    folder: options.scratch,
    builderRoot: options.builderRoot,
    limits: { diskBytes: 8 * GIB, memoryBytes: 4 * GIB, cpus: 0, pids: 4096 },
    trustedCertificates: [],
  });
  try {
    const found = parsePackages(await fetch(workspace, options, mirror));
    options.onLine(`${found.length} packages of Debian ${SUITE}`);
    await build(workspace, options, planOf(found, options.machine));
    await removeOldArchives(options.archives, found);
    await mustRun(['chown', '-R', '0:0', options.folder]);
    await writeFile(join(options.folder, 'sources.json'), `${JSON.stringify(sourcesOf(found), null, 2)}\n`);
  } finally {
    await workspace.close();
  }
}

async function fetch(workspace: Workspace, options: MakingOptions, mirror: string): Promise<string> {
  const debian = DEBIAN_ARCHITECTURES[options.machine];
  const names = [seeds(debian), ...SEEDS_APART]
    .map((group) => group.join(' '))
    .join(' / ')
    .split(' ');
  const script = ['sh', `${TOOL_AT}/fetch_packages.sh`, mirror, SUITE, debian, ARCHIVES_AT, ...names];
  const result = await workspace.run({
    ...(await command(options, script)),
    network: 'outbound',
    onLine: (line, stream) => {
      if (stream === 'stderr' && /^(Get:\d+0 |Fetched |E:|W:|Err:)/.test(line)) {
        options.onLine(line);
      }
    },
  });
  if (result.exitCode !== 0) {
    throw new CommandError(result, `ended with code ${result.exitCode}`);
  }
  return result.stdout;
}

async function build(workspace: Workspace, options: MakingOptions, plan: object): Promise<void> {
  await workspace.makeFolder('scratch');
  const result = await workspace.run({
    ...(await command(options, ['python3', `${TOOL_AT}/build_packages.py`, OUT_AT])),
    binds: [{ folder: 'scratch', at: '/work/scratch', writable: true }],
    env: { TMPDIR: '/work/scratch', TAR_OPTIONS: '' },
    input: JSON.stringify(plan),
    onLine: (line, stream) => {
      // Each tenth package is enough to see that it goes on.
      if (stream === 'stderr' || !/^built \d*[1-9] /.test(line)) {
        options.onLine(line);
      }
    },
  });
  if (result.exitCode !== 0) {
    throw new CommandError(result, `ended with code ${result.exitCode}`);
  }
}

async function command(options: MakingOptions, argv: readonly string[]): Promise<SandboxCommand> {
  const scripts = SCRIPTS.map(async (name) => {
    const text = await readFile(join(import.meta.dirname, 'scripts', name), 'utf8');
    return [`${TOOL_AT}/${name}`, text] as const;
  });
  return {
    argv,
    files: Object.fromEntries(await Promise.all(scripts)),
    binds: [],
    hostBinds: [
      { hostPath: options.archives, at: ARCHIVES_AT, writable: true },
      { hostPath: options.folder, at: OUT_AT, writable: true },
    ],
    network: 'none',
  };
}

/** What build_packages.py is told. */
function planOf(found: readonly DebianPackage[], target: string): object {
  const certificates = found.find((each) => each.name === 'ca-certificates')?.file ?? '';
  const repositories = {
    main: [...convert(found, target), ...ownPackages(`${ARCHIVES_AT}/${certificates}`)],
    updates: updatePackages(),
    broken: brokenPackages(),
  };
  const packages = Object.entries(repositories).flatMap(([repository, all]) =>
    all.map((rpm) => [`${repository}-${rpm.name}`, planOfOne(repository, rpm)] as const),
  );
  return {
    jobs: availableParallelism(),
    target,
    shared_directories: Object.keys(SHARED_DIRECTORIES),
    packages: Object.fromEntries(packages),
  };
}

function planOfOne(repository: string, rpm: RpmPackage): object {
  const { name, archive, files, conffiles } = rpm;
  return {
    repository,
    file: fileName(rpm),
    spec: specOf(rpm, '@INSTALL@', '@FILES@'),
    archive: archive === null ? null : `${ARCHIVES_AT}/${archive}`,
    files,
    conffiles,
    owns_shared: name === 'filesystem',
    signed_by: name === UNSIGNED ? null : name === BADLY_SIGNED ? 'wrong' : 'right',
  };
}

async function removeOldArchives(folder: string, found: readonly DebianPackage[]): Promise<void> {
  const used = new Set(found.map((each) => each.file));
  for (const name of await readdir(folder)) {
    if (name.endsWith('.deb') && !used.has(name)) {
      await rm(join(folder, name));
    }
  }
}

const sourcesOf = (found: readonly DebianPackage[]) =>
  Object.fromEntries(found.map((each) => [each.name, each.version]));
