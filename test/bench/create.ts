/**
 * `npm run bench -- create`: the same recipe on the same machine, three ways, one after the other.
 *
 * - reference: what the HPE service does: `kiwi-ng --type tbz system build`, `mksquashfs` with no options, MD5 in
 *   4 KiB reads, and the artifacts uploaded one after the other.
 * - bare: `kiwi-ng system prepare` and a zstd squashfs, with nothing around them: the floor of Kiln's own way.
 * - kiln: a whole job through the API of a real service, from POST to the registered image.
 *
 * All three use the same builder root and the same sandbox, so that what is compared is the work.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { formatBytes, formatDuration, GIB } from '../../src/platform/bytes.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { createJob, untilOver } from '../support/jobs.ts';
import { peakMemoryBytes, startService, type TestService } from '../support/kiln.ts';
import { hostMirror, register } from '../support/recipes.ts';
import { upload } from './upload.ts';

export type Times = Record<string, number>;

const MD5_AS_THE_REFERENCE = `
import hashlib, sys
for name in sys.argv[1:]:
    digest = hashlib.md5()
    with open(name, 'rb') as file:
        while chunk := file.read(4096):
            digest.update(chunk)
    print(digest.hexdigest(), name)
`;

export async function benchCreate(): Promise<void> {
  const service = await startService();
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
  try {
    const mirror = await hostMirror(service);
    const reference = await inWorkspace(folder, 'reference', mirror, (workspace) =>
      referenceWay(workspace, service),
    );
    report('reference', reference);
    const bare = await inWorkspace(folder, 'bare', mirror, bareWay);
    report('bare', bare);
    const { times: kiln, peakMemoryBytes } = await kilnWay(service, mirror);
    report('kiln', kiln);

    const ratio = total(kiln) / total(reference);
    const overhead = total(kiln) / total(bare) - 1;
    console.log(`\nkiln / reference: ${ratio.toFixed(2)} (goal: at most 0.50)`);
    console.log(`kiln over bare prepare + squash: ${(overhead * 100).toFixed(1)} % (goal: at most 5 %)`);
    console.log(
      `peak resident memory of the service: ${formatBytes(peakMemoryBytes)} (goal: at most 200 MiB)`,
    );
  } finally {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export function total(times: Times): number {
  return Object.values(times).reduce((sum, seconds) => sum + seconds, 0);
}

export function report(name: string, times: Times): void {
  console.log(`\n${name}: ${formatDuration(total(times))}`);
  for (const [part, seconds] of Object.entries(times)) {
    console.log(`  ${part.padEnd(44)} ${formatDuration(seconds)}`);
  }
}

async function inWorkspace(
  folder: string,
  name: string,
  mirror: string,
  work: (workspace: Workspace) => Promise<Times>,
): Promise<Times> {
  const builder = await testBuilderRoot();
  const workspace = await openWorkspace({
    jobId: `bench-${name}-${process.pid}`,
    folder: join(folder, name),
    builderRoot: builder.path,
    limits: { diskBytes: 20 * GIB, memoryBytes: 8 * GIB, cpus: 2, pids: 8192 },
    trustedCertificates: [],
  });
  try {
    await workspace.makeFolder('recipe');
    await workspace.makeFolder('build');
    const source = packageFile('recipes', 'debian-barebones');
    for (const file of await readdir(source)) {
      const text = (await readFile(join(source, file), 'utf8')).replaceAll('{{ DEBIAN_MIRROR }}', mirror);
      await workspace.writeFile('recipe', file, text);
    }
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}

export async function timed(times: Times, part: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await work();
  times[part] = (performance.now() - start) / 1000;
}

async function inSandbox(workspace: Workspace, argv: string[], input = ''): Promise<void> {
  const result = await workspace.run({
    argv,
    input,
    binds: [
      { folder: 'recipe', at: '/work/recipe', writable: true },
      { folder: 'build', at: '/work/build', writable: true },
    ],
    network: 'outbound',
  });
  if (result.exitCode !== 0) {
    throw new Error(`${result.command} ended with ${result.exitCode}:\n${result.tail.slice(-30).join('\n')}`);
  }
}

/** Kiwi itself; the sandbox's devices are mounts of their own, which Kiwi's plain bind of /dev would lose. */
export const KIWI_IN_A_SANDBOX = `
import sys
from kiwi.command import Command
from kiwi.kiwi import main
from kiwi.mount_manager import MountManager

plain = MountManager.bind_mount

def bind_mount(self):
    if self.device == '/dev' and not self.is_mounted():
        Command.run(['mount', '-n', '--rbind', self.device, self.mountpoint])
    else:
        plain(self)

MountManager.bind_mount = bind_mount
sys.argv[0] = 'kiwi-ng'
main()
`;

async function kiwi(workspace: Workspace, ...argv: string[]): Promise<void> {
  await inSandbox(
    workspace,
    ['python3', '-', '--logfile', '/work/build/kiwi.log', ...argv],
    KIWI_IN_A_SANDBOX,
  );
}

async function referenceWay(workspace: Workspace, service: TestService): Promise<Times> {
  const times: Times = {};
  const root = '/work/build/image/build/image-root';
  const out = workspace.hostPath('build');
  await inSandbox(workspace, ['chmod', '0755', '/work/recipe/config.sh', '/work/recipe/post_bootstrap.sh']);
  await timed(times, 'kiwi-ng --type tbz system build', () =>
    kiwi(
      workspace,
      '--type',
      'tbz',
      'system',
      'build',
      '--description',
      '/work/recipe',
      '--target-dir',
      '/work/build/image',
    ),
  );
  await timed(times, 'mksquashfs, no options', () =>
    inSandbox(workspace, ['mksquashfs', root, '/work/build/rootfs']),
  );
  await inSandbox(workspace, [
    'bash',
    '-c',
    `cp ${root}/boot/vmlinuz-* /work/build/kernel && cp ${root}/boot/initrd* /work/build/initrd`,
  ]);
  const names = ['rootfs', 'kernel', 'initrd'];
  await timed(times, 'md5 in 4 KiB reads', () =>
    inSandbox(
      workspace,
      ['python3', '-', ...names.map((name) => `/work/build/${name}`)],
      MD5_AS_THE_REFERENCE,
    ),
  );
  await timed(times, 'upload, one after the other', async () => {
    for (const name of names) {
      await upload(service, join(out, name));
    }
  });
  return times;
}

async function bareWay(workspace: Workspace): Promise<Times> {
  const times: Times = {};
  await inSandbox(workspace, ['chmod', '0755', '/work/recipe/config.sh', '/work/recipe/post_bootstrap.sh']);
  await timed(times, 'kiwi-ng system prepare', () =>
    kiwi(workspace, 'system', 'prepare', '--description', '/work/recipe', '--root', '/work/build/image-root'),
  );
  await timed(times, 'mksquashfs -comp zstd -Xcompression-level 3', () =>
    inSandbox(workspace, [
      'mksquashfs',
      '/work/build/image-root',
      '/work/build/rootfs',
      '-comp',
      'zstd',
      '-Xcompression-level',
      '3',
    ]),
  );
  return times;
}

async function kilnWay(
  service: TestService,
  mirror: string,
): Promise<{ times: Times; peakMemoryBytes: number }> {
  const recipe = await register(service, 'debian-barebones', packageFile('recipes', 'debian-barebones'), {
    DEBIAN_MIRROR: mirror,
  });
  const start = performance.now();
  const created = await createJob(service, recipe, { image_root_archive_name: 'bench', build_env_size: 20 });
  const job = await untilOver(service, created.id, 1_800_000);
  const seconds = (performance.now() - start) / 1000;
  if (job.state !== 'succeeded') {
    throw new Error(`the job of the benchmark failed: ${JSON.stringify(job.reason)}`);
  }
  const times: Times = {};
  for (const step of job.steps) {
    if (step.started !== null && step.finished !== null) {
      times[step.title] = (Date.parse(step.finished) - Date.parse(step.started)) / 1000;
    }
  }
  // What is left of the whole is what no step accounts for: starting the runner, reporting, cleaning up.
  times['between and around the steps'] = seconds - total(times);
  return { times, peakMemoryBytes: await peakMemoryBytes(service.pid) };
}
