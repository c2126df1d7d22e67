/**
 * `npm run bench -- aarch64 [tiny]`: a recipe for this machine, for aarch64 as Kiln builds it, and for aarch64 as the reference
 * does, one after the other.
 *
 * - native: as Kiln builds an image for this machine.
 * - reference: everything is a program of aarch64: the whole of `kiwi-ng --type tbz system build`, its archive included, and
 *   `mksquashfs` with no options, emulated in an aarch64 root that has Kiwi. Making that root is not counted.
 * - kiln: Kiwi, package managers and mksquashfs run as they are, programs of the image are emulated.
 *
 * The recipe is `debian-barebones`, which takes the reference 40 minutes on an idle machine with two processors, or the
 * tiny one of the tests. All use the same sandbox, and both emulations the same emulator.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import { HOST_ARCHITECTURE, inMachine } from '../../src/builder/emulation.ts';
import type { SandboxCommand, Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { Architecture } from '../../src/contract/common.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import { scriptCommand } from '../../src/runner/sandbox-script.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { KIWI_IN_A_SANDBOX, report, type Times, timed, total } from './create.ts';

const RECIPES = {
  barebones: { folder: ['recipes', 'debian-barebones'], values: {} },
  tiny: {
    folder: ['test', 'fixtures', 'tiny-debian'],
    values: { EXTRA_PACKAGE: 'base-files', SCRIPT: 'true' },
  },
} as const;
type RecipeName = keyof typeof RECIPES;

/** Kiwi's own root of the reference. In a user namespace debootstrap binds the devices that it cannot make. */
const MAKE_REFERENCE = `
unset TAR_OPTIONS
packages=ca-certificates,debootstrap,kiwi,kiwi-systemdeps-core,python3-lxml,python3-yaml,rsync,squashfs-tools,xz-utils,zstd
debootstrap --arch=arm64 --variant=minbase --foreign --include=$packages "$SUITE" /work/build/reference "$MIRROR"
chroot /work/build/reference /debootstrap/debootstrap --second-stage
printf '%s' "$KIWI" > /work/build/reference/run_kiwi.py
mkdir -p /work/build/reference/work/build /work/build/reference/work/recipe
`;
/** Nothing is lent, and Kiwi sees the recipe and the build where it would see them outside. */
const IN_REFERENCE = `
rm -r /dev/kiln/programs
root=/work/build/reference
for name in proc sys dev; do mount --rbind /$name $root/$name; done
mkdir -p /work/build/out
mount --bind /work/recipe $root/work/recipe
mount --bind /work/build/out $root/work/build
cp /etc/resolv.conf /etc/hosts $root/etc/
exec chroot $root "$@"
`;

export async function benchAarch64(): Promise<void> {
  const name = process.argv[3] === 'tiny' ? 'tiny' : 'barebones';
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
  try {
    const native = await inWorkspace(folder, name, HOST_ARCHITECTURE, 'native', kilnWay);
    report(`native, ${HOST_ARCHITECTURE}`, native);
    const kiln = await inWorkspace(folder, name, 'aarch64', 'kiln', kilnWay);
    report('kiln, aarch64', kiln);
    const reference = await inWorkspace(folder, name, 'aarch64', 'reference', referenceWay);
    report('reference, aarch64', reference);
    console.log(`\nkiln / native: ${(total(kiln) / total(native)).toFixed(2)}`);
    console.log(`kiln / reference: ${(total(kiln) / total(reference)).toFixed(3)} (goal: at most 0.40)`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inWorkspace(
  folder: string,
  name: RecipeName,
  arch: Architecture,
  way: string,
  work: (workspace: Workspace, arch: Architecture, mirror: string) => Promise<Times>,
): Promise<Times> {
  const mirror = (await hostMirror()) ?? '';
  const workspace = await openWorkspace({
    jobId: `bench-aarch64-${way}-${process.pid}`,
    folder: join(folder, way),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: 20 * GIB, memoryBytes: 8 * GIB, cpus: 2, pids: 8192 },
    trustedCertificates: [],
  });
  try {
    for (const each of ['recipe', 'build', 'trust']) {
      await workspace.makeFolder(each);
    }
    await layOutRecipe(workspace, name, { DEBIAN_MIRROR: mirror, ARCH: arch });
    return await work(workspace, arch, mirror);
  } finally {
    await workspace.close();
  }
}

async function layOutRecipe(
  workspace: Workspace,
  name: RecipeName,
  given: Record<string, string>,
): Promise<void> {
  const source = packageFile(...RECIPES[name].folder);
  for (const file of await readdir(source)) {
    await workspace.writeFile('recipe', file, await readFile(join(source, file)));
  }
  await inSandbox(workspace, ['sh', '-c', 'chmod 0755 /work/recipe/*.sh']);
  const values = { ...RECIPES[name].values, ...given };
  const template = {
    script: 'render_templates.py',
    args: ['/work/recipe'],
    input: JSON.stringify({ values }),
  };
  await inSandbox(workspace, await scriptCommand({ ...template, binds: [] }));
}

async function inSandbox(
  workspace: Workspace,
  command: readonly string[] | Omit<SandboxCommand, 'binds' | 'network'>,
): Promise<void> {
  const result = await workspace.run({
    ...('argv' in command ? command : { argv: command }),
    binds: ['recipe', 'build', 'trust'].map((each) => ({
      folder: each,
      at: `/work/${each}`,
      writable: true,
    })),
    network: 'outbound',
  });
  if (result.exitCode !== 0) {
    throw new Error(`${result.command} ended with ${result.exitCode}:\n${result.tail.slice(-30).join('\n')}`);
  }
}

async function kilnWay(workspace: Workspace, arch: Architecture): Promise<Times> {
  const times: Times = {};
  const root = '/work/build/image-root';
  const build = await scriptCommand({
    script: 'build_root.py',
    beside: ['trust_certificates.py', 'signatures.py', 'foreign_arch.py'],
    args: ['/work/recipe', root, '/work/trust', arch],
    machine: arch,
    binds: [],
  });
  await timed(times, 'kiwi-ng system prepare', () => inSandbox(workspace, build));
  const squash = ['-comp', 'zstd', '-Xcompression-level', '3', '-quiet'];
  await timed(times, 'mksquashfs zstd level 3', () =>
    inSandbox(workspace, ['mksquashfs', root, '/work/build/rootfs', ...squash]),
  );
  return times;
}

async function referenceWay(workspace: Workspace, arch: Architecture, mirror: string): Promise<Times> {
  const times: Times = {};
  const emulated = async (script: string, ...argv: string[]) =>
    await inMachine(arch, {
      argv: ['sh', '-euc', script, 'sh', ...argv],
      env: { MIRROR: mirror, SUITE: 'forky', KIWI: KIWI_IN_A_SANDBOX },
      binds: [],
      network: 'outbound',
    });
  await inSandbox(workspace, await emulated(MAKE_REFERENCE));
  const kiwi = ['--type', 'tbz', '--logfile', '/work/build/kiwi.log', 'system', 'build'];
  const where = ['--description', '/work/recipe', '--target-dir', '/work/build/image'];
  await timed(times, 'kiwi-ng --type tbz system build', async () =>
    inSandbox(workspace, await emulated(IN_REFERENCE, 'python3', '/run_kiwi.py', ...kiwi, ...where)),
  );
  const squash = ['mksquashfs', '/work/build/image/build/image-root', '/work/build/rootfs'];
  await timed(times, 'mksquashfs, no options', async () =>
    inSandbox(workspace, await emulated(IN_REFERENCE, ...squash, '-no-progress')),
  );
  return times;
}
