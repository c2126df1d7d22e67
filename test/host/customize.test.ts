/** Images are customized through the API with the real OpenSSH client, jailed and not, and by commands. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';
import { run } from '../support/run.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
});
afterAll(() => bench?.close());

interface WireJob {
  readonly ssh_containers: readonly { readonly connection_info: unknown }[];
}

it('opens a jailed shell in which packages can be installed, and makes an image of what was done', async () => {
  const job = await bench.until((await bench.customize({ shell: { jail: true } })).id, waiting);
  expect(job.status, JSON.stringify(job, null, 2)).toBe('waiting_on_user');
  const done = await bench.ssh(
    job,
    'set -e; id -u; cat /etc/resolv.conf; env | grep IMS_; apt-get update -qq; apt-get install -qq -y hello >/dev/null; hello',
  );
  expect(done.exitCode, done.tail.join('\n')).toBe(0);
  expect(done.stdout).toMatch(/^0\nnameserver 10\.0\.2\.3\n/);
  expect(done.stdout).toContain(`IMS_JOB_ID=${job.id}`);
  expect(done.stdout).toContain('Hello, world!');
  await writeFile(join(bench.folder, 'batch'), `put ${join(bench.folder, 'key.pub')} /root/sent\n`);
  const sent = await runCommand([
    'sftp',
    '-P',
    String(job.shell?.port),
    ...(await bench.sshOptions(job)),
    '-b',
    join(bench.folder, 'batch'),
    `root@${job.shell?.host}`,
  ]);
  expect(sent.exitCode, sent.tail.join('\n')).toBe(0);
  expect((await bench.ssh(job, 'touch /tmp/complete')).exitCode).toBe(0);

  const over = await bench.until(job.id, never);
  const root = await bench.rootOf(over);
  expect(await readFile(join(root, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.53\n');
  expect(await readFile(join(root, 'root/sent'), 'utf8')).toContain('ssh-ed25519');
  expect(await run('ls', [join(root, 'usr/bin/hello'), join(root, 'tmp')])).toContain('hello');
  const image = await bench.service.client.images.get(over.resultant_image_id ?? '');
  expect(image.parent).toBe(bench.imageId);
  expect(over.shell?.connections.length).toBeGreaterThan(2);
});

it('opens a shell beside the image, which the API ends', async () => {
  const job = await bench.until((await bench.customize()).id, waiting);
  const done = await bench.ssh(
    job,
    'pwd; echo beside > /mnt/image/image-root/etc/beside; echo "nameserver 192.0.2.1" > /mnt/image/image-root/etc/resolv.conf; which mksquashfs',
  );
  expect(done.stdout, done.tail.join('\n')).toBe('/mnt/image\n/usr/bin/mksquashfs\n');
  await bench.service.client.jobs.finish(job.id);
  const root = await bench.rootOf(await bench.until(job.id, never));
  expect(await readFile(join(root, 'etc/beside'), 'utf8')).toBe('beside\n');
  expect(await readFile(join(root, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.1\n');
});

it('ends without an image when the user says that it failed', async () => {
  const job = await bench.until((await bench.customize({ shell: { jail: true } })).id, waiting);
  await bench.ssh(job, 'touch /tmp/failed');
  const over = await bench.until(job.id, never);
  expect(over).toMatchObject({ status: 'error', reason: { code: 'shell-failed', step: 'shell' } });
});

it('is reached with the command line, and by the address that clients of the reference read', async () => {
  const posted = await fetch(`${bench.service.url}/v3/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      job_type: 'customize',
      artifact_id: bench.imageId,
      public_key_id: bench.publicKeyId,
      image_root_archive_name: 'on the wire',
      build_env_size: 4,
      ssh_containers: [{ name: 'session', jail: true }],
    }),
  });
  expect(posted.status).toBe(201);
  const job = await bench.until(((await posted.json()) as Job).id, waiting);
  const said = await bench.service.kiln([
    'jobs',
    'shell',
    job.id,
    '-i',
    join(bench.folder, 'key'),
    '--',
    'cat /etc/debian_version',
  ]);
  expect(said.stdout, said.tail.join('\n')).toMatch(/^12\./);
  const [wire] = ((await (await fetch(`${bench.service.url}/v3/jobs/${job.id}`)).json()) as WireJob)
    .ssh_containers;
  const address = { host: job.shell?.host, port: job.shell?.port };
  expect(wire?.connection_info).toEqual({ customer_access: address, 'cluster.local': address });
  expect((await bench.service.kiln(['jobs', 'extend', job.id, '30'])).exitCode).toBe(0);
  const longer = await bench.until(job.id, ({ shell }) => (shell?.ends ?? '') > (job.shell?.ends ?? ''));
  expect(Date.parse(longer.shell?.ends ?? '') - Date.parse(job.shell?.ends ?? '')).toBe(30 * 60_000);
  expect((await bench.service.kiln(['jobs', 'fail', job.id])).exitCode).toBe(0);
  expect((await bench.until(job.id, never)).reason?.code).toBe('shell-failed');
});

it('is one command for a command, and for a shell with a key that is made for it', async () => {
  const ran = await bench.service.kiln([
    'images',
    'run',
    bench.imageId,
    '--name',
    'ran',
    '--build-env-size',
    '4',
    '--format',
    'json',
    '--',
    'echo run > /etc/run',
  ]);
  expect(ran.exitCode, ran.tail.join('\n')).toBe(0);
  expect(await readFile(join(await bench.rootOf(JSON.parse(ran.stdout)), 'etc/run'), 'utf8')).toBe('run\n');
  const edited = await bench.service.kiln(
    ['images', 'edit', bench.imageId, '--name', 'edited', '--build-env-size', '4', '--format', 'json'],
    { input: 'echo edited > /etc/edited\nexit\n' },
  );
  expect(edited.exitCode, edited.tail.join('\n')).toBe(0);
  const root = await bench.rootOf(JSON.parse(edited.stdout.slice(edited.stdout.indexOf('{'))));
  expect(await readFile(join(root, 'etc/edited'), 'utf8')).toBe('edited\n');
  expect((await bench.service.client.publicKeys.list()).map(({ name }) => name)).toEqual(['test']);
});

it('refuses another key and passwords', async () => {
  const job = await bench.until((await bench.customize()).id, waiting);
  const other = join(bench.folder, 'other');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
  const options = (await bench.sshOptions(job)).map((word) =>
    word === join(bench.folder, 'key') ? other : word,
  );
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
  await bench.service.client.jobs.cancel(job.id);
  await waitFor(
    async () => ((await bench.service.client.jobs.get(job.id)).state === 'cancelled' ? true : undefined),
    {
      timeoutMs: 60_000,
      describe: () => 'the job to be cancelled',
    },
  );
});

it('runs commands in the image, and says which one failed', async () => {
  const made = await bench.customize({
    changes: [
      { kind: 'command', command: 'echo changed > /etc/motd; test -e /proc/1/status' },
      // Longer than a word of a command can be.
      {
        kind: 'command',
        name: 'long',
        command: `# ${'x'.repeat(200_000)}\necho long >> /etc/motd; test ! -t 0`,
      },
    ],
  });
  const root = await bench.rootOf(await bench.until(made.id, never));
  expect(await readFile(join(root, 'etc/motd'), 'utf8')).toBe('changed\nlong\n');
  const failing = await bench.customize({
    changes: [{ kind: 'command', name: 'the broken one', command: 'echo oh no >&2; exit 3' }],
  });
  const over = await bench.until(failing.id, never);
  expect(over.reason).toMatchObject({
    code: 'command-failed',
    detail: '"the broken one" ended with code 3: oh no',
  });
});

it('leaves nothing of what it lends, also where programs move, touch and append to it', async () => {
  const first = await bench.customize({
    changes: [
      {
        kind: 'command',
        // The first line is what systemd-resolved of Debian 12 does when it is installed.
        command: `mv /etc/resolv.conf /etc/.resolv.conf.bak; ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
          cp -a /etc/hosts /etc/hosts.orig; echo 192.0.2.71 packages.local >> /etc/hosts
          echo multi off > /etc/host.conf`,
      },
    ],
  });
  const made = await bench.until(first.id, never);
  const root = await bench.rootOf(made);
  expect(await readFile(join(root, 'etc/.resolv.conf.bak'), 'utf8')).toBe('nameserver 192.0.2.53\n');
  const before = await readFile(join(root, 'etc/hosts.orig'), 'utf8').catch(() => '');
  expect(await readFile(join(root, 'etc/hosts'), 'utf8')).toBe(
    `${before || '127.0.0.1 localhost\n'}192.0.2.71 packages.local\n`,
  );
  expect(before).not.toContain('packages.local');

  // An image that has an address of its own for the name, as nodes need it, goes on to be customized.
  const again = await bench.customize({
    artifact_id: made.resultant_image_id ?? '',
    changes: [
      { kind: 'command', command: 'touch /etc/hosts; getent ahostsv4 packages.local | grep -m1 STREAM >&2' },
    ],
  });
  const over = await bench.until(again.id, never);
  expect(await readFile(join(await bench.rootOf(over), 'etc/hosts'), 'utf8')).toBe(
    await readFile(join(root, 'etc/hosts'), 'utf8'),
  );
  const said: string[] = [];
  for await (const { text } of bench.service.client.jobs.log(over.id)) {
    said.push(text);
  }
  expect(said.filter((line) => line.includes('STREAM'))).toEqual([expect.stringMatching(/^127\.0\.0\.2 /)]);
});

it('lends the certificates of the platform to programs that look for them in a folder, as those of SUSE do', async () => {
  const folder = '/var/lib/ca-certificates/openssl';
  const verify = `openssl s_client -connect packages.local:443 -verify_return_error -CApath ${folder} \
    -no-CAfile -no-CAstore </dev/null >/dev/null; chmod 644 ${folder}/*`;
  const made = await bench.customize({
    changes: [
      { kind: 'command', command: 'apt-get update -qq; apt-get install -qq -y openssl >/dev/null' },
      { kind: 'command', command: `mkdir -p ${folder}; echo own > ${folder}/own.pem` },
    ],
  });
  const { resultant_image_id, reason } = await bench.until(made.id, never);
  expect(reason).toBeNull();
  const again = await bench.customize({
    artifact_id: resultant_image_id ?? '',
    changes: [{ kind: 'command', command: verify }],
  });
  const root = await bench.rootOf(await bench.until(again.id, never));
  expect(await run('ls', [join(root, folder)])).toBe('own.pem\n');
});
