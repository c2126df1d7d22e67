/** A key pair of a test, registered with the service, and the real OpenSSH client with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../../src/contract/jobs.ts';
import { type CommandResult, runCommand } from '../../src/platform/exec.ts';
import type { RunningService } from './kiln.ts';
import { run } from './run.ts';

export interface SshClient {
  readonly publicKeyId: string;
  /** File of the private key. */
  readonly key: string;
  /** For ssh, scp and sftp: the key, and the host key of the shell as the only one that is known. */
  options(job: Job): Promise<string[]>;
  /** Runs a command in the shell of a job. */
  run(job: Job, command: string): Promise<CommandResult>;
}

/** `folder`: for keys and lists of known hosts; the caller removes it. */
export async function openSshClient(service: RunningService, folder: string): Promise<SshClient> {
  const key = join(folder, 'key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const public_key = await readFile(`${key}.pub`, 'utf8');
  const { id: publicKeyId } = await service.client.publicKeys.create({ name: 'test', public_key });
  const options: SshClient['options'] = async ({ id, shell }) => {
    const known = join(folder, `known-${id}`);
    await writeFile(known, `[${shell?.host}]:${shell?.port} ${shell?.host_key}\n`);
    const given = { UserKnownHostsFile: known, StrictHostKeyChecking: 'yes', BatchMode: 'yes' };
    return ['-i', key, ...Object.entries(given).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  };
  return {
    publicKeyId,
    key,
    options,
    async run(job, command) {
      const { shell } = job;
      const target = ['-p', String(shell?.port), ...(await options(job)), `root@${shell?.host}`];
      return runCommand(['ssh', ...target, command]);
    },
  };
}
