/** The overlay over an image's squashfs, with real mounts: what it shows, what it keeps, and what is gone afterwards. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ImageOverlay } from '../../src/builder/overlay.ts';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { GIB, MIB } from '../../src/platform/bytes.ts';
import { mustRun } from '../../src/platform/exec.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { LISTING } from '../support/listing.ts';

const ROOT = { folder: 'image-root', at: '/image', writable: true };
const ORIGINAL = { folder: 'image-root-original', at: '/original', writable: false };
let base: string;
let workspace: Workspace;
let overlay: ImageOverlay;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kiln-overlay-'));
  const root = join(base, 'root');
  await mkdir(join(root, 'etc'), { recursive: true });
  await writeFile(join(root, 'etc/resolv.conf'), 'nameserver 192.0.2.1\n');
  await writeFile(join(root, 'one'), 'linked\n');
  await mustRun([
    'sh',
    '-ec',
    `cd "$0"; ln one two; mkdir bin; cp /bin/true bin/; setcap cap_net_raw+ep bin/true; chmod 4755 bin/true
    setcap cap_net_raw+ep bin/true; mknod null c 1 3; mkfifo pipe; ln -s ../nowhere link; truncate -s 8M sparse
    touch -d 2001-02-03 one etc; chown 33:34 etc/resolv.conf; mkdir -m 1777 sticky`,
    root,
  ]);
  await mustRun(['mksquashfs', root, join(base, 'image'), '-noappend', '-quiet', '-comp', 'gzip']);
  workspace = await openWorkspace({
    jobId: `overlay-test-${process.pid}`,
    folder: join(base, 'workspace'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: 512 * MIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
  });
  overlay = await workspace.openOverlay('image-root', {
    squashfs: join(base, 'image'),
    laid: [
      { path: '/etc/resolv.conf', content: (image) => `${image}nameserver 10.0.2.3\n` },
      { path: '/link', content: 'not over a link' },
      { path: '/etc/none/file', content: 'no folder' },
      { path: '/proc' },
    ],
  });
});
afterAll(async () => {
  await workspace?.close();
  await rm(base, { recursive: true, force: true });
});

async function inside(...argv: string[]): Promise<string> {
  const result = await workspace.run({ argv, binds: [ROOT, ORIGINAL], network: 'none' });
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  return result.stdout;
}

it('shows the image with what is laid over it, as the user of the sandbox', async () => {
  expect(await inside('cat', '/image/etc/resolv.conf')).toBe('nameserver 192.0.2.1\nnameserver 10.0.2.3\n');
  expect(await inside('stat', '-c', '%u:%g %Y', '/image/one', '/image/etc')).toBe(
    '0:0 981158400\n0:0 981158400\n',
  );
  expect(await inside('sh', '-c', 'ls /image; readlink /image/link')).toContain('proc\n');
});

it('squashes to the same files to the bit, when nothing was changed', async () => {
  await overlay.settle();
  await workspace.makeFolder('out');
  const script = `mksquashfs /image /out/rootfs -noappend -quiet -comp zstd && unsquashfs -q -n -d /out/root -excludes /out/rootfs null
  python3 -c "$0" /original | grep -v '^null ' >/out/before; python3 -c "$0" /out/root >/out/after; cat /out/before /out/after >&2
  unsquashfs -lln /out/rootfs | grep null; sed -i /^null/d /out/after; cmp /out/before /out/after && echo same`;
  const result = await workspace.run({
    argv: ['sh', '-c', script, LISTING],
    binds: [ROOT, ORIGINAL, { folder: 'out', at: '/out', writable: true }],
    network: 'none',
  });
  expect(result.stdout, result.tail.join('\n')).toMatch(/1,\s+3 .*null\nsame\n$/s);
});

it('keeps changes, hard links among them, and nothing that was laid over', async () => {
  await inside(
    'sh',
    '-ec',
    'echo more >>/image/one; echo search x >>/image/etc/resolv.conf; rm -r /image/sticky',
  );
  await overlay.settle();
  expect(await inside('sh', '-c', 'cat /image/two; stat -c %h /image/two; cat /image/etc/resolv.conf')).toBe(
    'linked\nmore\n2\nnameserver 192.0.2.1\nsearch x\n',
  );
  expect(await inside('ls', '/image')).not.toMatch(/proc|sticky/);
  expect(await readFile(join(base, 'root/one'), 'utf8')).toBe('linked\n');
});

it('leaves no mount behind', async () => {
  await workspace.close();
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(base);
  expect(existsSync(join(base, 'workspace'))).toBe(false);
});
