/** Images are customized through the API with the real OpenSSH client, jailed and not, and by commands. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import type { Job, JobCreate } from '../../src/contract/jobs.ts';
import { type CommandResult, runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { startService, type TestService } from '../support/kiln.ts';
import { run } from '../support/run.ts';

/** What nobody boots here, but looks like what a node would. */
const ADD_BOOT_FILES = `
cd "$1"
head -c 510 /dev/zero > boot/vmlinuz-6.1.0-9-amd64
printf '\\125\\252\\0\\0HdrSnine' >> boot/vmlinuz-6.1.0-9-amd64
echo initrd-of-nine > boot/initrd.img-6.1.0-9-amd64
echo 'nameserver 192.0.2.53' > etc/resolv.conf
`;

let service: TestService;
let folder: string;
let imageId: string;
let publicKeyId: string;

beforeAll(async () => {
  await testBuilderRoot();
  folder = await mkdtemp(join(tmpdir(), 'kiln-customize-'));
  const root = join(folder, 'root');
  const mirror = await hostMirror();
  await run('debootstrap', ['--variant=minbase', 'bookworm', root, mirror ?? '']);
  await run('sh', ['-euc', ADD_BOOT_FILES, 'sh', root]);
  await run('mksquashfs', [root, join(folder, 'root.squashfs'), '-quiet', '-no-progress', '-comp', 'zstd']);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
  service = await startService({ 'cache.folder': join(folder, 'cache') });
  const imported = await service.kiln([
    'images',
    'import',
    join(folder, 'root.squashfs'),
    '--name',
    'base',
    '--build-env-size',
    '4',
    '--format',
    'json',
  ]);
  expect(imported.exitCode, imported.tail.join('\n')).toBe(0);
  imageId = JSON.parse(imported.stdout).id;
  const key = await service.client.publicKeys.create({
    name: 'test',
    public_key: await readFile(join(folder, 'key.pub'), 'utf8'),
  });
  publicKeyId = key.id;
}, 600_000);
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

interface WireJob {
  readonly ssh_containers: readonly { readonly connection_info: unknown }[];
}

async function customize(also: Partial<JobCreate> = {}): Promise<Job> {
  return service.client.jobs.create({
    job_type: 'customize',
    artifact_id: imageId,
    image_root_archive_name: 'customized',
    public_key_id: publicKeyId,
    build_env_size: 4,
    ...also,
  });
}

async function until(id: string, done: (job: Job) => boolean): Promise<Job> {
  let job = await service.client.jobs.get(id);
  await waitFor(
    async () => {
      job = await service.client.jobs.get(id);
      return done(job) || ['failed', 'succeeded'].includes(job.state) ? true : undefined;
    },
    { timeoutMs: 120_000, intervalMs: 50, describe: () => JSON.stringify(job, null, 2) },
  );
  return job;
}

const waiting = (job: Job) => job.status === 'waiting_on_user' && job.shell?.state === 'open';

async function sshOptions(job: Job): Promise<string[]> {
  const { shell } = job;
  const known = join(folder, `known-${job.id}`);
  await writeFile(known, `[${shell?.host}]:${shell?.port} ${shell?.host_key}\n`);
  const options = { UserKnownHostsFile: known, StrictHostKeyChecking: 'yes', BatchMode: 'yes' };
  return [
    '-i',
    join(folder, 'key'),
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
}

async function ssh(job: Job, command: string): Promise<CommandResult> {
  const { shell } = job;
  return runCommand([
    'ssh',
    '-p',
    String(shell?.port),
    ...(await sshOptions(job)),
    `root@${shell?.host}`,
    command,
  ]);
}

async function rootOf(job: Job): Promise<string> {
  expect(job.state, JSON.stringify(job, null, 2)).toBe('succeeded');
  const [rootfs] = await service.client.images.artifacts(job.resultant_image_id ?? '');
  const file = join(folder, `${job.id}.squashfs`);
  const answer = await fetch(rootfs?.download_url ?? '');
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
  await run('unsquashfs', ['-quiet', '-no-progress', '-dest', join(folder, job.id), file]);
  return join(folder, job.id);
}

it('opens a jailed shell in which packages can be installed, and makes an image of what was done', async () => {
  const job = await until((await customize({ shell: { jail: true } })).id, waiting);
  expect(job.status, JSON.stringify(job, null, 2)).toBe('waiting_on_user');
  const done = await ssh(
    job,
    'set -e; id -u; cat /etc/resolv.conf; env | grep IMS_; apt-get update -qq; apt-get install -qq -y hello >/dev/null; hello',
  );
  expect(done.exitCode, done.tail.join('\n')).toBe(0);
  expect(done.stdout).toMatch(/^0\nnameserver 10\.0\.2\.3\n/);
  expect(done.stdout).toContain(`IMS_JOB_ID=${job.id}`);
  expect(done.stdout).toContain('Hello, world!');
  await writeFile(join(folder, 'batch'), `put ${join(folder, 'key.pub')} /root/sent\n`);
  const sent = await runCommand([
    'sftp',
    '-P',
    String(job.shell?.port),
    ...(await sshOptions(job)),
    '-b',
    join(folder, 'batch'),
    `root@${job.shell?.host}`,
  ]);
  expect(sent.exitCode, sent.tail.join('\n')).toBe(0);
  expect((await ssh(job, 'touch /tmp/complete')).exitCode).toBe(0);

  const over = await until(job.id, () => false);
  const root = await rootOf(over);
  expect(await readFile(join(root, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.53\n');
  expect(await readFile(join(root, 'root/sent'), 'utf8')).toContain('ssh-ed25519');
  expect(await run('ls', [join(root, 'usr/bin/hello'), join(root, 'tmp')])).toContain('hello');
  const image = await service.client.images.get(over.resultant_image_id ?? '');
  expect(image.parent).toBe(imageId);
  expect(over.shell?.connections.length).toBeGreaterThan(2);
}, 300_000);

it('opens a shell beside the image, which the API ends', async () => {
  const job = await until((await customize()).id, waiting);
  const done = await ssh(
    job,
    'pwd; echo beside > /mnt/image/image-root/etc/beside; echo "nameserver 192.0.2.1" > /mnt/image/image-root/etc/resolv.conf; which mksquashfs',
  );
  expect(done.stdout, done.tail.join('\n')).toBe('/mnt/image\n/usr/bin/mksquashfs\n');
  await service.client.jobs.finish(job.id);
  const root = await rootOf(await until(job.id, () => false));
  expect(await readFile(join(root, 'etc/beside'), 'utf8')).toBe('beside\n');
  expect(await readFile(join(root, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.1\n');
}, 120_000);

it('ends without an image when the user says that it failed', async () => {
  const job = await until((await customize({ shell: { jail: true } })).id, waiting);
  await ssh(job, 'touch /tmp/failed');
  const over = await until(job.id, () => false);
  expect(over).toMatchObject({ status: 'error', reason: { code: 'shell-failed', step: 'shell' } });
}, 120_000);

it('is reached with the command line, and by the address that clients of the reference read', async () => {
  const posted = await fetch(`${service.url}/v3/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      job_type: 'customize',
      artifact_id: imageId,
      public_key_id: publicKeyId,
      image_root_archive_name: 'on the wire',
      build_env_size: 4,
      ssh_containers: [{ name: 'session', jail: true }],
    }),
  });
  expect(posted.status).toBe(201);
  const job = await until(((await posted.json()) as Job).id, waiting);
  const said = await service.kiln([
    'jobs',
    'shell',
    job.id,
    '-i',
    join(folder, 'key'),
    '--',
    'cat /etc/debian_version',
  ]);
  expect(said.stdout, said.tail.join('\n')).toMatch(/^12\./);
  const [wire] = ((await (await fetch(`${service.url}/v3/jobs/${job.id}`)).json()) as WireJob).ssh_containers;
  const address = { host: job.shell?.host, port: job.shell?.port };
  expect(wire?.connection_info).toEqual({ customer_access: address, 'cluster.local': address });
  expect((await service.kiln(['jobs', 'extend', job.id, '30'])).exitCode).toBe(0);
  const longer = await until(job.id, ({ shell }) => (shell?.ends ?? '') > (job.shell?.ends ?? ''));
  expect(Date.parse(longer.shell?.ends ?? '') - Date.parse(job.shell?.ends ?? '')).toBe(30 * 60_000);
  expect((await service.kiln(['jobs', 'fail', job.id])).exitCode).toBe(0);
  expect((await until(job.id, () => false)).reason?.code).toBe('shell-failed');
}, 120_000);

it('refuses another key and passwords', async () => {
  const job = await until((await customize()).id, waiting);
  const other = join(folder, 'other');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
  const options = (await sshOptions(job)).map((word) => (word === join(folder, 'key') ? other : word));
  const refused = await runCommand([
    'ssh',
    '-p',
    String(job.shell?.port),
    ...options,
    `root@${job.shell?.host}`,
    'id',
  ]);
  expect(refused.exitCode).toBe(255);
  expect(refused.tail.join('\n')).toContain('Permission denied (publickey)');
  await service.client.jobs.cancel(job.id);
  await waitFor(
    async () => ((await service.client.jobs.get(job.id)).state === 'cancelled' ? true : undefined),
    {
      timeoutMs: 60_000,
      describe: () => 'the job to be cancelled',
    },
  );
}, 120_000);

it('runs commands in the image, and says which one failed', async () => {
  const made = await customize({
    changes: [{ kind: 'command', command: 'echo changed > /etc/motd; test -e /proc/1/status' }],
  });
  const root = await rootOf(await until(made.id, () => false));
  expect(await readFile(join(root, 'etc/motd'), 'utf8')).toBe('changed\n');
  const failing = await customize({
    changes: [{ kind: 'command', name: 'the broken one', command: 'echo oh no >&2; exit 3' }],
  });
  const over = await until(failing.id, () => false);
  expect(over.reason).toMatchObject({
    code: 'command-failed',
    detail: '"the broken one" ended with code 3: oh no',
  });
}, 120_000);
