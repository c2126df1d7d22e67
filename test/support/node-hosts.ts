/**
 * Build nodes of tests: network namespaces of this machine, each with an sshd of its own and a folder for all that Kiln keeps
 * there. They share the kernel and the files of this machine; what they are reached by, and what their commands find, is their own.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendSignal } from '../../src/adapters/executors/local/processes.ts';
import { mustRun, startCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { run } from './run.ts';

export interface NodeHost {
  readonly address: string;
  readonly fingerprint: string;
  /** For Kiln. */
  readonly folder: string;
  /** Lets this key in. */
  authorize(publicKey: string): Promise<void>;
  /** Has another program of this name; none with `undefined`. The runner itself looks for programs where it always does. */
  replace(program: string, script: string | undefined): Promise<void>;
  /** Takes the network away, and gives it back. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** As when the machine loses its power: all of its processes are gone at once. */
  crash(): Promise<void>;
  /** Its sshd is there again. */
  boot(): Promise<void>;
  /** Another machine at the same address. */
  changeHostKey(): Promise<void>;
  close(): Promise<void>;
}

let made = 0;

export async function openNodeHost(): Promise<NodeHost> {
  made += 1;
  const number = (process.pid * 8 + made) % 16_384;
  const name = `kn${number}`;
  const net = `10.203.${number >> 6}`;
  const [here, there] = [(number & 63) * 4 + 1, (number & 63) * 4 + 2];
  const address = `${net}.${there}`;
  const base = await mkdtemp(join(tmpdir(), 'kn-'));
  const folder = join(base, 'kiln');
  const programs = join(base, 'bin');
  await mkdir(programs);
  await run('sh', ['-euc', 'ln -s -t "$0" /usr/sbin/* /usr/bin/* 2>/dev/null || true', programs]);
  await run('ip', ['netns', 'add', name]);
  await run('sh', [
    '-euc',
    `ip link add "$0h" type veth peer name eth0 netns "$0"
    ip addr add "$1/30" dev "$0h"; ip link set "$0h" up
    ip -n "$0" addr add "$2/30" dev eth0; ip -n "$0" link set eth0 up; ip -n "$0" link set lo up
    ip -n "$0" route add default via "$1"`,
    name,
    `${net}.${here}`,
    address,
  ]);
  let fingerprint = '';
  const makeKey = async () => {
    const key = join(base, 'host_key');
    await run('sh', ['-euc', 'rm -f "$0" "$0.pub"; ssh-keygen -q -t ed25519 -N "" -f "$0"', key]);
    fingerprint = (await run('ssh-keygen', ['-l', '-f', `${key}.pub`])).split(' ')[1] ?? '';
  };
  await makeKey();
  await writeFile(join(base, 'authorized_keys'), '');
  // Its commands have their own programs first.
  const entry = join(base, 'entry');
  await writeFile(entry, `#!/bin/bash\nexport PATH=${programs}\nexec bash -c "$SSH_ORIGINAL_COMMAND"\n`, {
    mode: 0o755,
  });
  await writeFile(
    join(base, 'sshd_config'),
    `ListenAddress ${address}
HostKey ${join(base, 'host_key')}
AuthorizedKeysFile ${join(base, 'authorized_keys')}
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
PidFile none
MaxStartups 100
ForceCommand ${entry}
`,
  );
  let sshd: Awaited<ReturnType<typeof startCommand>> | undefined;
  const boot = async () => {
    await mkdir('/run/sshd', { recursive: true });
    sshd = await startCommand([
      // ip netns exec would hide the cgroups.
      'nsenter',
      `--net=/run/netns/${name}`,
      '/usr/sbin/sshd',
      '-D',
      '-e',
      '-f',
      join(base, 'sshd_config'),
    ]);
    await waitFor(
      async () =>
        (await run('nsenter', [`--net=/run/netns/${name}`, 'ss', '-ltnH'])).includes(`${address}:22`)
          ? true
          : undefined,
      { timeoutMs: 60_000, describe: () => `the sshd of ${name}` },
    );
  };
  await boot();
  const link = (state: string) => run('ip', ['link', 'set', `${name}h`, state]);
  const crash = async () => {
    // Runners are the first processes of their own pid namespaces: what is in those goes with them.
    await waitFor(
      async () => {
        const pids = (await run('ip', ['netns', 'pids', name])).split('\n').filter(Boolean).map(Number);
        for (const pid of pids) {
          sendSignal(pid, 'SIGKILL');
        }
        return pids.length === 0 ? true : undefined;
      },
      { timeoutMs: 60_000, describe: () => `the processes of ${name} to end` },
    );
  };

  return {
    address,
    get fingerprint() {
      return fingerprint;
    },
    folder,
    boot,
    crash,
    cut: () => link('down').then(() => {}),
    async restore() {
      await link('up');
      await mustRun([
        'ip',
        'netns',
        'exec',
        name,
        'ip',
        'route',
        'replace',
        'default',
        'via',
        `${net}.${here}`,
      ]);
    },
    authorize: (publicKey) => writeFile(join(base, 'authorized_keys'), `${publicKey.trim()}\n`),
    async replace(program, script) {
      const path = join(programs, program);
      await rm(path, { force: true });
      if (script !== undefined) {
        await writeFile(path, script, { mode: 0o755 });
      }
    },
    async changeHostKey() {
      await sshd?.stop();
      await makeKey();
      await boot();
    },
    async close() {
      await crash();
      await run('ip', ['netns', 'del', name]);
      await run('ip', ['link', 'del', `${name}h`]).catch(() => '');
      await run('sh', ['-c', 'umount -l "$0"/kiln/builder 2>/dev/null; rm -rf --one-file-system "$0"', base]);
    },
  };
}
