/**
 * Ansible as a client on another machine has it: that of the builder root, run by itself in private namespaces, which knows of
 * Kiln only the address and the key of a shell. Debian 12's own is too old for the Python of a current system.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../../src/contract/jobs.ts';
import { type CommandResult, runCommand } from '../../src/platform/exec.ts';
import { testBuilderRoot } from './builder-root.ts';

const ENTER = `
root=$1; folder=$2; shift 2
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root
mount -o loop,ro "$root" /mnt/root
mount --bind "$folder" /mnt/root/srv
mount -t tmpfs tmpfs /mnt/root/tmp
mount -t tmpfs tmpfs /mnt/root/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
exec chroot /mnt/root "$@"`;

/** Runs `playbook`, a YAML text whose hosts are \`all\`, over SSH. `folder` has `key`, and gets the other files. */
export async function playOverSsh(folder: string, job: Job, playbook: string): Promise<CommandResult> {
  const { shell } = job;
  const host = {
    ansible_host: shell?.host,
    ansible_port: shell?.port,
    ansible_user: shell?.user,
    ansible_ssh_private_key_file: '/srv/key',
    ansible_ssh_common_args: '-F /dev/null -o UserKnownHostsFile=/srv/known -o StrictHostKeyChecking=yes',
  };
  await writeFile(join(folder, 'known'), `[${shell?.host}]:${shell?.port} ${shell?.host_key}\n`);
  await writeFile(join(folder, 'inventory.json'), JSON.stringify({ all: { hosts: { shell: host } } }));
  await writeFile(join(folder, 'playbook.yml'), playbook);
  const { path } = await testBuilderRoot();
  const play = ['ansible-playbook', '--inventory', '/srv/inventory.json', '/srv/playbook.yml'];
  return runCommand(
    ['unshare', '--mount', '--pid', '--fork', 'sh', '-euc', ENTER, 'sh', path, folder, ...play],
    { env: { PATH: process.env['PATH'] ?? '', HOME: '/root', LANG: 'C.UTF-8' }, timeoutMs: 600_000 },
  );
}
