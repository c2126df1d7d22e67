/**
 * Makes a builder root for another machine than this, for build nodes of it: as builder-root-maker.ts does, but in a sandbox, in
 * which the other machine is emulated. That takes several times as long.
 */
import { chmod, chown, copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../contract/common.ts';
import { GIB } from '../platform/bytes.ts';
import { CommandError } from '../platform/exec.ts';
import { packageFile } from '../platform/package-root.ts';
import {
  FILES,
  lineWatcher,
  type MakingOptions,
  type MakingWatch,
  packagesIn,
  WASTE,
  writeAbout,
} from './builder-root-maker.ts';
import { inMachine } from './emulation.ts';
import { ID_SHIFT } from './oci-bundle.ts';
import { openWorkspace } from './workspace.ts';

const DEBIAN_ARCHITECTURES: Record<Architecture, string> = { aarch64: 'arm64', x86_64: 'amd64' };
const SCRIPT_AT = '/usr/local/kiln/foreign_root.sh';
const BINDS = ['root', 'out'].map((folder) => ({ folder, at: `/work/${folder}`, writable: true }));
const LIMITS = { diskBytes: 12 * GIB, memoryBytes: 4 * GIB, cpus: 0, pids: 4096 };

export interface ForeignOptions extends MakingOptions {
  readonly arch: Architecture;
  /** Squashfs of the builder root of this machine. */
  readonly native: string;
}

/** Throws `CommandError` with the last lines of the tool that failed. */
export async function makeForeignRoot(options: ForeignOptions, watch: MakingWatch): Promise<void> {
  const { arch, digest, suite, mirror, packages } = options;
  const sandbox = join(options.folder, 'sandbox');
  const workspace = await openWorkspace({
    jobId: `builder-root-${digest}`,
    folder: sandbox,
    builderRoot: options.native,
    limits: LIMITS,
    trustedCertificates: [],
  });
  try {
    await Promise.all(BINDS.map(({ folder }) => workspace.makeFolder(folder)));
    const words = [DEBIAN_ARCHITECTURES[arch], suite, mirror, packages.join(','), String(ID_SHIFT), ...WASTE];
    const result = await workspace.run(
      await inMachine(arch, {
        argv: ['sh', SCRIPT_AT, ...words],
        files: {
          [SCRIPT_AT]: await readFile(packageFile('src', 'builder', 'scripts', 'foreign_root.sh'), 'utf8'),
          ...Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`/work/files/${path}`, text])),
        },
        // What a sandbox leaves out of archives for the sake of Kiwi belongs to this root.
        env: { TAR_OPTIONS: '' },
        binds: BINDS,
        network: 'outbound',
        onLine: lineWatcher(watch),
        ...(watch.signal ? { signal: watch.signal } : {}),
      }),
    );
    if (result.exitCode !== 0) {
      throw new CommandError(result, `ended with code ${result.exitCode}`);
    }
    const squashfs = join(options.folder, 'root.squashfs');
    await copyFile(join(workspace.hostPath('out'), 'root.squashfs'), squashfs);
    await chown(squashfs, 0, 0);
    await chmod(squashfs, 0o644);
    await writeAbout(options, packagesIn(result.stdout.split('\npackages:\n').at(-1) ?? ''));
  } finally {
    await workspace.close();
    await rm(sandbox, { recursive: true, force: true });
  }
}
