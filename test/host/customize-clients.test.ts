/** What people connect to a shell with: OpenSSH's scp and sftp, rsync, and Ansible, jailed and not. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { playOverSsh } from '../support/ansible.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
});
afterAll(() => bench?.close());

const PLAY = (target: string) => `
- hosts: all
  gather_facts: true
  tasks:
    - copy: { content: "by Ansible\\n", dest: "${target}/etc/ansible", mode: "0640" }
    - lineinfile: { path: "${target}/etc/motd", line: by Ansible }
    - stat: { path: "${target}/etc/debian_version" }
      register: found
    - assert: { that: found.stat.exists }
`;

describe.each([
  ['jailed', true, ''],
  ['beside the image', false, '/mnt/image/image-root'],
])('a shell %s', (name, jail, target) => {
  let job: Job;
  let root: string;
  beforeAll(async () => {
    job = await bench.until((await bench.customize({ shell: { jail } })).id, waiting);
    expect(job.status, JSON.stringify(job, null, 2)).toBe('waiting_on_user');
  });

  it('takes and gives files with scp, in both of its protocols, and with rsync', async () => {
    const folder = join(bench.folder, `tree-${jail}`);
    await mkdir(join(folder, 'deep'), { recursive: true });
    await writeFile(join(folder, 'deep/file'), `copied ${name}\n`, { mode: 0o640 });
    const options = await bench.sshOptions(job);
    const remote = (path: string) => `root@${job.shell?.host}:${target}${path}`;
    const port = String(job.shell?.port);
    const shell = ['ssh', '-p', port, ...options].map((word) => `'${word}'`).join(' ');
    for (const [file, argv] of [
      ['sftp', ['scp', '-r', '-P', port, ...options, folder, remote('/srv/sftp')]],
      ['rcp', ['scp', '-O', '-r', '-P', port, ...options, folder, remote('/srv/rcp')]],
      ['rsync', ['rsync', '-a', '-e', shell, `${folder}/`, remote('/srv/rsync')]],
    ] as const) {
      const sent = await runCommand([...argv]);
      expect(sent.exitCode, `${file}: ${sent.tail.join('\n')}`).toBe(0);
      const back = join(bench.folder, `back-${jail}-${file}`);
      const got = await runCommand(['scp', '-P', port, ...options, remote(`/srv/${file}/deep/file`), back]);
      expect(got.exitCode, `${file}: ${got.tail.join('\n')}`).toBe(0);
      expect(await readFile(back, 'utf8')).toBe(`copied ${name}\n`);
    }
  });

  it('is worked in by Ansible, whose modules need Python: that of the image, or one that is lent to it', async () => {
    const played = await playOverSsh(bench.folder, job, PLAY(target));
    expect(played.exitCode, played.tail.join('\n')).toBe(0);
    expect(played.stdout).toMatch(/ok=5 +changed=2/);
  });

  it('leaves what was done, and nothing of what was lent', async () => {
    await bench.ssh(job, `touch ${jail ? '/tmp' : '/mnt/image'}/complete`);
    root = await bench.rootOf(await bench.until(job.id, never));
    expect(await readFile(join(root, 'etc/ansible'), 'utf8')).toBe('by Ansible\n');
    expect(await readFile(join(root, 'srv/rsync/deep/file'), 'utf8')).toBe(`copied ${name}\n`);
    const left = await runCommand([
      'find',
      root,
      '-name',
      '*.ansible*',
      '-o',
      '-path',
      '*/run/*',
      '-o',
      '-name',
      'python3*',
    ]);
    // Ansible makes that one on every host on which it is a client.
    expect(left.stdout.split('\n').filter((path) => !path.endsWith('/root/.ansible'))).toEqual(['']);
  });
});
