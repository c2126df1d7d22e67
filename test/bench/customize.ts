/**
 * `npm run bench -- customize [MIB...]`: one file of an image changed over SSH, two ways, for roots of these sizes.
 *
 * - reference: what the HPE service does: download the whole root, `unsquashfs`, and only then a shell; then
 *   `mksquashfs` with no options, MD5 in 4 KiB reads, and an upload.
 * - kiln: a customize job through the API of a real service: from POST to the shell, and from `finish` to the registered
 *   image. The first job fetches the root; the second finds it in the cache of the host, and so do more that only open a
 *   shell: what is shown of these and the second is the median and the slowest.
 *
 * The roots are files of this machine's /usr, so they are as compressible as real ones.
 */
import { createWriteStream } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Job } from '../../src/contract/jobs.ts';
import { formatBytes, formatDuration } from '../../src/platform/bytes.ts';
import { mustRun } from '../../src/platform/exec.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';
import { peakMemoryBytes } from '../support/kiln.ts';
import { upload } from './upload.ts';

const MAKE_ROOT = `
mkdir -p "$1/boot" "$1/etc" "$1/tmp"
cd /usr
find bin lib share -xdev -type f -printf '%s %p\\0' | sort -z -k2 |
  awk -v RS='\\0' -v ORS='\\0' -v limit="$2" '{ size = $1; sub(/^[0-9]+ /, ""); total += size; if (total > limit) exit; print }' |
  xargs -0 cp --parents --target-directory "$1" 2>/dev/null || true
head -c 510 /dev/zero > "$1/boot/vmlinuz-6.1"
printf '\\125\\252\\0\\0HdrSnine' >> "$1/boot/vmlinuz-6.1"
echo initrd > "$1/boot/initrd.img-6.1"
mksquashfs "$1" "$3" -quiet -no-progress -comp zstd -Xcompression-level 3
`;
const MD5_AS_THE_REFERENCE =
  'import hashlib, sys\nd = hashlib.md5()\nwith open(sys.argv[1], "rb") as f:\n  while c := f.read(4096): d.update(c)\n';

/** Shells that are only opened, after the whole job whose root is in the cache. Even, so that the median is one of them. */
const SHELLS = 8;

interface Times {
  readonly shell: number;
  readonly image: number;
}

export async function benchCustomize(): Promise<void> {
  const sizes = process.argv.slice(3).map(Number);
  const bench = await openCustomizeBench({});
  try {
    for (const mib of sizes.length === 0 ? [700, 4096] : sizes) {
      await benchSize(bench, mib);
    }
    const peak = formatBytes(await peakMemoryBytes(bench.service.pid));
    console.log(`\npeak resident memory of the service: ${peak} (goal: at most 200 MiB)`);
  } finally {
    await bench.close();
  }
}

async function benchSize(bench: CustomizeBench, mib: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
  try {
    const squashfs = join(folder, 'root.squashfs');
    await mustRun([
      'bash',
      '--norc',
      '-euc',
      MAKE_ROOT,
      'bash',
      join(folder, 'root'),
      String(mib * 1024 * 1024),
      squashfs,
    ]);
    await rm(join(folder, 'root'), { recursive: true });
    const words = [
      'images',
      'import',
      squashfs,
      '--name',
      `${mib}`,
      '--build-env-size',
      '20',
      '--format',
      'json',
    ];
    const imported = await bench.service.kiln(words, { timeoutMs: 1_200_000 });
    if (imported.exitCode !== 0) {
      throw new Error(imported.tail.join('\n'));
    }
    const imageId: string = JSON.parse(imported.stdout).id;
    console.log(`\nA root of ${mib} MiB`);
    const reference = await referenceWay(bench, imageId, folder);
    show('reference', reference);
    show('kiln, first', await kilnWay(bench, imageId));
    const kiln = await kilnWay(bench, imageId);
    show('kiln, cached', kiln);
    const shells = [kiln.shell];
    while (shells.length < SHELLS + 1) {
      shells.push(await kilnShell(bench, imageId));
    }
    shells.sort((a, b) => a - b);
    const [median, slowest] = [shells[SHELLS / 2] ?? Number.NaN, shells[SHELLS] ?? Number.NaN];
    console.log(
      `  ${shells.length} shells, cached: median ${median.toFixed(2)} s, slowest ${slowest.toFixed(2)} s`,
    );
    const percent = (ours: number, theirs: number) => `${((ours / theirs) * 100).toFixed(1)} %`;
    console.log(`  to the shell: ${percent(median, reference.shell)} of the reference (goal: at most 1 %)`);
    console.log(
      `  to the image: ${percent(kiln.image, reference.image)} of the reference (goal: at most 15 %)`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function show(name: string, { shell, image }: Times): void {
  const [to, from] = [formatDuration(shell), formatDuration(image)];
  console.log(
    `  ${name.padEnd(14)} POST to shell ${to} (${shell.toFixed(2)} s), finish to image ${from} (${image.toFixed(2)} s)`,
  );
}

async function referenceWay(bench: CustomizeBench, imageId: string, folder: string): Promise<Times> {
  const work = join(folder, 'reference');
  await mkdir(work);
  const start = performance.now();
  const [rootfs] = await bench.service.client.images.artifacts(imageId);
  const answer = await fetch(rootfs?.download_url ?? '');
  await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(join(work, 'rootfs')));
  await mustRun(['unsquashfs', '-quiet', '-no-progress', '-dest', join(work, 'root'), join(work, 'rootfs')]);
  const shell = performance.now();
  await appendFile(join(work, 'root/etc/motd'), 'changed\n');
  await mustRun(['mksquashfs', join(work, 'root'), join(work, 'new'), '-quiet', '-no-progress']);
  await mustRun(['python3', '-c', MD5_AS_THE_REFERENCE, join(work, 'new')]);
  await upload(bench.service, join(work, 'new'));
  const end = performance.now();
  await rm(work, { recursive: true });
  return { shell: (shell - start) / 1000, image: (end - shell) / 1000 };
}

async function openedShell(
  bench: CustomizeBench,
  imageId: string,
): Promise<{ readonly job: Job; readonly seconds: number }> {
  const start = performance.now();
  const { id } = await bench.customize({ artifact_id: imageId, build_env_size: 20 });
  const job = await bench.until(id, waiting);
  const end = performance.now();
  if (job.shell?.state !== 'open') {
    throw new Error(`there is no shell: ${JSON.stringify(job.reason)}`);
  }
  return { job, seconds: (end - start) / 1000 };
}

async function kilnShell(bench: CustomizeBench, imageId: string): Promise<number> {
  const { job, seconds } = await openedShell(bench, imageId);
  await bench.service.client.jobs.fail(job.id);
  await bench.until(job.id, never);
  return seconds;
}

async function kilnWay(bench: CustomizeBench, imageId: string): Promise<Times> {
  const { job, seconds } = await openedShell(bench, imageId);
  await bench.ssh(job, 'echo changed >> /mnt/image/image-root/etc/motd');
  const finish = performance.now();
  await bench.service.client.jobs.finish(job.id);
  const over = await bench.until(job.id, never);
  const end = performance.now();
  if (over.state !== 'succeeded') {
    throw new Error(`the job failed: ${JSON.stringify(over.reason)}`);
  }
  return { shell: seconds, image: (end - finish) / 1000 };
}
