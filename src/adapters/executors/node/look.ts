/** Asks a build node what it is and has, and says what keeps jobs from it, with what to do about it. */
import { readFile } from 'node:fs/promises';
import type { BuildNode, NodeFacts, NodeProblem } from '../../../contract/nodes.ts';
import { packageFile } from '../../../platform/package-root.ts';
import { runOn, type SshIdentity } from './ssh.ts';

const LOOK_MS = 30_000;
const KIB = 1024;

/** Programs that the sandbox of a job needs, and the package that has each: Debian, SUSE, RHEL. */
const TOOLS: Readonly<Record<string, readonly [string, string, string]>> = {
  runc: ['runc', 'runc', 'runc'],
  slirp4netns: ['slirp4netns', 'slirp4netns', 'slirp4netns'],
  'mkfs.ext4': ['e2fsprogs', 'e2fsprogs', 'e2fsprogs'],
  e2fsck: ['e2fsprogs', 'e2fsprogs', 'e2fsprogs'],
  losetup: ['mount', 'util-linux', 'util-linux'],
  mount: ['mount', 'util-linux', 'util-linux'],
  unshare: ['util-linux', 'util-linux', 'util-linux'],
  setpriv: ['util-linux', 'util-linux', 'util-linux'],
  nsenter: ['util-linux', 'util-linux', 'util-linux'],
  ip: ['iproute2', 'iproute2', 'iproute'],
  tar: ['tar', 'tar', 'tar'],
  sha256sum: ['coreutils', 'coreutils', 'coreutils'],
  od: ['coreutils', 'coreutils', 'coreutils'],
};
const INSTALL = ['apt-get install', 'zypper install', 'dnf install'] as const;

/** e_machine of an ELF file (System V ABI, chapter 4), as far as there are builder roots. */
const ELF_MACHINES: Readonly<Record<number, NodeFacts['arch']>> = { 62: 'x86_64', 183: 'aarch64' };

export interface Found {
  readonly facts: NodeFacts;
  readonly problems: NodeProblem[];
  /** Digests of the files and runners that it has. */
  readonly has: ReadonlySet<string>;
}

/** Throws with the last words of ssh when the node cannot be asked. */
export async function lookAt(node: BuildNode, identity: SshIdentity): Promise<Found> {
  const script = await readFile(packageFile('src/adapters/executors/node/scripts/look.sh'), 'utf8');
  const argv = ['sh', '-c', script, 'look.sh', node.folder, ...Object.keys(TOOLS)];
  const result = await runOn(node, identity, argv, { timeoutMs: LOOK_MS });
  if (result.exitCode !== 0) {
    const late = result.timedOut ? `it did not answer within ${LOOK_MS / 1000} s` : undefined;
    throw new Error(late ?? result.tail.at(-1) ?? `ssh ended with code ${result.exitCode}`);
  }
  return foundIn(result.stdout);
}

export function foundIn(text: string): Found {
  const said = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      said.set(name, [...(said.get(name) ?? []), value]);
    }
  }
  const one = (name: string) => said.get(name)?.[0] ?? '';
  const many = (name: string) => said.get(name) ?? [];
  const machine = one('machine');
  const facts: NodeFacts = {
    arch: machine === 'x86_64' || machine === 'aarch64' ? machine : null,
    machine,
    system: one('system') || 'an unknown system',
    kernel: one('kernel'),
    cpus: Number(one('cpus')) || 1,
    memory_bytes: Number(one('memory_kib')) * KIB,
    disk_free_bytes: Number(one('disk_free_kib')) * KIB,
  };
  const problems = [
    ...architectureProblems(facts, Number(one('elf_machine'))),
    ...(one('uid') === '0'
      ? []
      : [
          {
            what: 'commands are not run by root',
            hint: 'Register it with the user root, or one with `NOPASSWD: ALL` in sudoers.',
          },
        ]),
    ...toolProblems(many('missing'), one('family')),
    ...many('missing_filesystem').map((name) => ({
      what: `its kernel has no ${name}`,
      hint: `Load it with \`modprobe ${name}\`, and at each start by a file in /etc/modules-load.d.`,
    })),
    ...many('missing_feature').map((name) => ({
      what: `its kernel gives no ${name}`,
      hint: 'Set user.max_user_namespaces (and kernel.unprivileged_userns_clone where there is one) with sysctl.',
    })),
  ];
  return { facts, problems, has: new Set([...many('file'), ...many('runner')]) };
}

function architectureProblems({ arch, machine }: NodeFacts, elfMachine: number): NodeProblem[] {
  const real = ELF_MACHINES[elfMachine] ?? null;
  if (arch === null) {
    return [{ what: `its architecture is ${machine}`, hint: 'Kiln builds on x86_64 and aarch64.' }];
  }
  return real === arch
    ? []
    : [
        {
          what: `it says that it is ${machine}, and its programs are for ${real ?? `ELF machine ${elfMachine}`}`,
          hint: 'Jobs would run emulated there. Register a machine that is what it says.',
        },
      ];
}

function toolProblems(missing: readonly string[], family: string): NodeProblem[] {
  if (missing.length === 0) {
    return [];
  }
  const index = /\b(suse|opensuse)\b/.test(family) ? 1 : /\b(rhel|fedora|centos)\b/.test(family) ? 2 : 0;
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]?.[index] ?? tool))];
  return [
    {
      what: `it lacks ${missing.join(', ')}`,
      hint: `On the node: ${INSTALL[index]} ${packages.join(' ')}`,
    },
  ];
}
