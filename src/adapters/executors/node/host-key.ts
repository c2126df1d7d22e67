/** Host keys of build nodes: looked up, compared with the fingerprint that somebody has confirmed, and written down for ssh. */
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BuildNode } from '../../../contract/nodes.ts';
import { runCommand } from '../../../platform/exec.ts';
import { HOST_ALIAS } from './ssh.ts';

const SCAN_SECONDS = 10;

export interface HostKey {
  /** `TYPE BASE64`. */
  readonly key: string;
  readonly fingerprint: string;
}

/** Those that its sshd shows; none when it does not answer. */
export async function scanHostKeys({
  address,
  port,
}: Pick<BuildNode, 'address' | 'port'>): Promise<HostKey[]> {
  const words = ['ssh-keyscan', '-T', String(SCAN_SECONDS), '-p', String(port), '--', address ?? ''];
  const { stdout } = await runCommand(words, { timeoutMs: (SCAN_SECONDS + 5) * 1000 });
  return stdout.split('\n').flatMap((line) => {
    const [, type, data] = line.split(' ');
    return line.startsWith('#') || type === undefined || data === undefined ? [] : [hostKey(type, data)];
  });
}

function hostKey(type: string, data: string): HostKey {
  const digest = createHash('sha256').update(Buffer.from(data, 'base64')).digest('base64');
  return { key: `${type} ${data}`, fingerprint: `SHA256:${digest.replace(/=+$/, '')}` };
}

/** Writes the list of known hosts that has this key alone. */
export async function pinHostKey(file: string, { key }: HostKey): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${HOST_ALIAS} ${key}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
