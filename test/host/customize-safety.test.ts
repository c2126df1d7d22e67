/** What must not be lost or left behind: images that are unchanged, shared, purged, on full disks, under services that are killed. */
import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { readSettings } from '../../src/platform/settings.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';
import { expectNothingLeft } from '../support/kiln.ts';
import { LISTING } from '../support/listing.ts';
import { run } from '../support/run.ts';

/** Everything that a file system can have and a package or an administrator uses. */
const MAKE_ODD_ROOT = `
mkdir -p boot etc srv proc sys dev run tmp usr/bin
head -c 510 /dev/zero > boot/vmlinuz-6.1.0-9-amd64
printf '\\125\\252\\0\\0HdrSnine' >> boot/vmlinuz-6.1.0-9-amd64
echo initrd > boot/initrd.img-6.1.0-9-amd64
cd srv
cp /bin/true capable; chmod 4755 capable; setcap cap_net_raw,cap_sys_admin+ep capable
echo linked > one; ln one two; ln one "a name with spaces"
truncate -s 300M sparse; printf x | dd of=sparse bs=1 seek=150000000 conv=notrunc status=none
mknod null c 1 3; mknod disk b 7 99; mkfifo pipe; ln -s ../nowhere link
setfattr -n user.note -v 'a note' one; touch acl; setfacl -m u:1234:rwx,g:4321:r acl; mkdir dir; setfacl -d -m u:1234:rx dir
mkdir -m 3777 sticky; chown 33:34 sticky; touch -d '2001-02-03 04:05:06' one dir .; printf 'caf\\303\\251' > "$(printf 'caf\\303\\251')"
cd ..
mksquashfs . "$1" -quiet -no-progress -comp xz`;

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench({ 'jobs.grace_seconds': '60' });
});
afterAll(() => bench?.close());

/** An image that was made elsewhere, its root file system taken as it is. */
async function register(name: string, rootfs: string): Promise<string> {
  const { images } = bench.service.client;
  const { id } = await images.create({ name, metadata: { site: 'north' } });
  for (const [artifact, file] of [
    ['rootfs', rootfs],
    ['kernel', join(bench.folder, 'kernel')],
    ['initrd', join(bench.folder, 'initrd')],
  ] as const) {
    await images.uploadArtifact(id, artifact, Readable.toWeb(createReadStream(file)) as ReadableStream);
  }
  await images.publish(id);
  return id;
}

async function makeRoot(script: string, file: string): Promise<string> {
  const path = join(bench.folder, file);
  const folder = join(bench.folder, `${file}.root`);
  await run('sh', ['-euc', `mkdir "$0"; cd "$0"; ${script}`, folder, path]);
  await run('sh', [
    '-euc',
    'cp "$0"/boot/vmlinuz* "$1/kernel"; cp "$0"/boot/initrd* "$1/initrd"',
    folder,
    bench.folder,
  ]);
  return path;
}

const listing = (root: string) => run('python3', ['-c', LISTING, root]);

it('is the same to the bit when nothing was changed in it, with the metadata of its parent', async () => {
  const file = await makeRoot(MAKE_ODD_ROOT, 'odd.squashfs');
  const id = await register('odd', file);
  const job = await bench.until(
    (await bench.customize({ artifact_id: id, shell: { jail: true } })).id,
    waiting,
  );
  // There is no shell in it to log in to; sftp and the API do not need one.
  await bench.service.client.jobs.finish(job.id);
  const over = await bench.until(job.id, never);
  const root = await bench.rootOf(over);
  const before = join(bench.folder, 'odd.before');
  await run('unsquashfs', ['-quiet', '-no-progress', '-dest', before, file]);
  expect(await listing(root)).toBe(await listing(before));
  expect(await bench.service.client.images.get(over.resultant_image_id ?? '')).toMatchObject({
    parent: id,
    metadata: { site: 'north' },
  });
});

it('is made of a root that came as a tar', async () => {
  const file = await makeRoot(
    `${MAKE_ODD_ROOT.replace(/mksquashfs .*/, '')} rm srv/null srv/disk; tar --xattrs --xattrs-include='*' --acls --sparse -czf "$1" .`,
    'tar.gz',
  );
  const id = await register('tar', file);
  const over = await bench.until(
    (await bench.customize({ artifact_id: id, changes: [{ kind: 'command', command: 'true' }] })).id,
    never,
  );
  // It has no /bin/sh: what counts here is that it was mounted at all, and what it says then.
  expect(over.reason, JSON.stringify(over.reason)).toMatchObject({ code: 'command-failed', step: 'apply' });
  const shell = await bench.until((await bench.customize({ artifact_id: id, shell: {} })).id, waiting);
  await bench.ssh(shell, 'echo more >> /mnt/image/image-root/srv/one; touch /mnt/image/complete');
  const root = await bench.rootOf(await bench.until(shell.id, never));
  expect(await readFile(join(root, 'srv/two'), 'utf8')).toBe('linked\nmore\n');
  expect(await run('getcap', [join(root, 'srv/capable')])).toContain('cap_net_raw');
});

it('is changed by two jobs at the same time, which do not see each other', async () => {
  const both = await Promise.all([
    bench.customize({ shell: { jail: true } }),
    bench.customize({ shell: { jail: true } }),
  ]);
  const [one, two] = (await Promise.all(both.map(({ id }) => bench.until(id, waiting)))) as [Job, Job];
  expect(one.shell?.port).not.toBe(two.shell?.port);
  await Promise.all([
    bench.ssh(one, 'echo one > /etc/who; rm /etc/issue'),
    bench.ssh(two, 'echo two > /etc/who; echo two >> /etc/issue'),
  ]);
  await Promise.all([one, two].map((job) => bench.ssh(job, 'touch /tmp/complete')));
  const roots = await Promise.all(
    [one, two].map(async ({ id }) => bench.rootOf(await bench.until(id, never))),
  );
  const said = await Promise.all(roots.map((root) => readFile(join(root, 'etc/who'), 'utf8')));
  expect(said).toEqual(['one\n', 'two\n']);
  expect(await readFile(join(roots[1] ?? '', 'etc/issue'), 'utf8')).toContain('two');
  for (const { id } of [one, two]) {
    await expectNothingLeft(bench.service, id);
  }
});

it('goes on when its original is purged while a shell is open', async () => {
  const file = await makeRoot(MAKE_ODD_ROOT, 'purged.squashfs');
  const id = await register('purged', file);
  const job = await bench.until((await bench.customize({ artifact_id: id })).id, waiting);
  const { client } = bench.service;
  await client.images.delete(id);
  await client.deleted.images.purge(id);
  const sha256 = (await run('sha256sum', [file])).slice(0, 64);
  await rm(join(readSettings({ environment: process.env })['cache.folder'], 'images', `${sha256}.squashfs`));
  await bench.ssh(job, 'echo still > /mnt/image/image-root/etc/still; touch /mnt/image/complete');
  const over = await bench.until(job.id, never);
  const root = await bench.rootOf(over);
  expect(await readFile(join(root, 'etc/still'), 'utf8')).toBe('still\n');
  expect(await readFile(join(root, 'srv/two'), 'utf8')).toBe('linked\n');
  expect(await client.images.get(over.resultant_image_id ?? '')).toMatchObject({
    parent: id,
    metadata: { site: 'north' },
  });
  await expectNothingLeft(bench.service, job.id);
});

it('says that its disk is full, keeps what was done, and is made with more room', async () => {
  const fill = { kind: 'command', name: 'fill', command: 'head -c 2G /dev/urandom > /var/filler' } as const;
  const small = await bench.customize({ changes: [fill], build_env_size: 1 });
  const full = await bench.until(small.id, never);
  expect(full.reason).toMatchObject({ code: 'workspace-full', step: 'apply' });
  await expectNothingLeft(bench.service, full.id);

  // Incompressible, so that the squashfs has no room beside what it is made of.
  const most = { ...fill, command: 'head -c 400M /dev/urandom > /var/filler' };
  const job = await bench.until((await bench.customize({ changes: [most], build_env_size: 1 })).id, never);
  expect(job, JSON.stringify(job.reason)).toMatchObject({
    reason: { code: 'workspace-full', step: 'squash' },
    checkpoint: { stage: 'root' },
  });
  const words = ['jobs', 'retry', job.id, '--build-env-size', '4', '--format', 'json'];
  const again = await bench.service.kiln(words);
  expect(again.exitCode, again.tail.join('\n')).toBe(0);
  const root = await bench.rootOf(await bench.until(JSON.parse(again.stdout).id, never));
  expect(await run('stat', ['-c', '%s', join(root, 'var/filler')])).toBe(`${400 * 1024 * 1024}\n`);
});

it('goes on when the service is killed while a shell is open', async () => {
  const job = await bench.until((await bench.customize({ shell: { jail: true } })).id, waiting);
  await bench.ssh(job, 'echo before > /etc/before');
  await bench.service.kill();
  const during = await bench.ssh(job, 'cat /etc/before; echo during > /etc/during');
  expect(during.stdout, during.tail.join('\n')).toBe('before\n');
  await bench.service.restart();
  const after = await bench.until(job.id, waiting);
  await bench.ssh(after, 'touch /tmp/complete');
  const root = await bench.rootOf(await bench.until(job.id, never));
  expect(await readFile(join(root, 'etc/during'), 'utf8')).toBe('during\n');
  await expectNothingLeft(bench.service, job.id);
});
