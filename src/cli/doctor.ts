/** What a machine needs to build images, looked at one by one. */
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { ARCHITECTURES, type Architecture } from '../contract/common.ts';
import { formatBytes, GIB } from '../platform/bytes.ts';
import { runCommand } from '../platform/exec.ts';
import { emulatorOf } from './boot/machine.ts';
import { findProgram } from './find-program.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** How to get it. */
  readonly hint: string;
}

const PROGRAMS = [
  ['debootstrap', 'apt-get install debootstrap'],
  ['runc', 'apt-get install runc'],
  ['slirp4netns', 'apt-get install slirp4netns'],
  ['mkfs.ext4', 'apt-get install e2fsprogs'],
  ['unshare', 'apt-get install util-linux'],
  ['setpriv', 'apt-get install util-linux'],
  ['nsenter', 'apt-get install util-linux'],
  ['losetup', 'apt-get install mount'],
  ['openssl', 'apt-get install openssl'],
  ['ssh', 'apt-get install openssh-client'],
  ['ssh-keygen', 'apt-get install openssh-client'],
] as const;
const HANDLERS_SINCE = { major: 6, minor: 7 };
const MEMORY_BYTES = 4 * GIB;
const DISK_BYTES = 20 * GIB;

export interface DoctorOptions {
  /** The builder roots that are cached. */
  readonly builderRoots: () => Promise<readonly { digest: string; current: boolean }[]>;
  /** Folder whose disk holds the builds. */
  readonly folder?: string;
}

export async function doctor(options: DoctorOptions): Promise<Check[]> {
  const folder = options.folder ?? '/var/lib';
  return await Promise.all([
    check(
      'root',
      async () => (process.getuid?.() === 0 ? 'running as root' : undefined),
      'run Kiln as root: it mounts and starts sandboxes',
    ),
    ...PROGRAMS.map(([program, hint]) => check(program, () => findProgram(program), hint)),
    ...ARCHITECTURES.map((arch) => {
      const { emulator, package: from } = emulatorOf(arch);
      return check(emulator, () => emulatorFor(emulator, arch), `apt-get install ${from}`);
    }),
    ...(process.arch === 'x64'
      ? [check('programs of aarch64', foreignPrograms, 'a newer kernel, or a build node of aarch64')]
      : []),
    ...['overlay', 'squashfs', 'ext4'].map((name) =>
      check(`file system ${name}`, () => fileSystem(name), `modprobe ${name}, or a kernel that has it`),
    ),
    check('loop devices', () => present('/dev/loop-control'), 'modprobe loop'),
    check('network devices of user space', () => present('/dev/net/tun'), 'modprobe tun'),
    check('user namespaces', userNamespaces, 'sysctl user.max_user_namespaces=65536'),
    check('cgroups', cgroups, 'mount cgroup2 at /sys/fs/cgroup, as systemd does'),
    check(
      'memory',
      async () => (totalmem() >= MEMORY_BYTES ? formatBytes(totalmem()) : undefined),
      `builds want ${formatBytes(MEMORY_BYTES)}`,
    ),
    check('disk', () => freeDisk(folder), `builds want ${formatBytes(DISK_BYTES)} free below ${folder}`),
    check(
      'builder root',
      async () => (await options.builderRoots()).find((root) => root.current)?.digest,
      '`kiln builder build` makes it, in two minutes; the first job does so too',
    ),
  ]);
}

export function drawCheck({ name, ok, detail, hint }: Check): string {
  return `${ok ? 'ok     ' : 'MISSING'}  ${name}: ${detail}${ok ? '' : `\n         ${hint}`}`;
}

async function check(name: string, look: () => Promise<string | undefined>, hint: string): Promise<Check> {
  try {
    const detail = await look();
    return { name, ok: detail !== undefined, detail: detail ?? 'not there', hint };
  } catch (error) {
    // What cannot be looked at must not hide what the other checks have found.
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error), hint };
  }
}

/** Builds do without it: a machine that has none is fit all the same. */
async function emulatorFor(program: string, arch: Architecture): Promise<string> {
  return (
    (await findProgram(program)) ?? `not there; only \`kiln images boot\` of images for ${arch} needs it`
  );
}

/** Builds for this machine do without. Since Linux 6.7 each user namespace has handlers of its own. */
async function foreignPrograms(): Promise<string> {
  const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat);
  if (major > HANDLERS_SINCE.major || (major === HANDLERS_SINCE.major && minor >= HANDLERS_SINCE.minor)) {
    return `emulated in the sandbox, by Linux ${release()}`;
  }
  const handler = await readFile('/proc/sys/fs/binfmt_misc/qemu-aarch64', 'utf8').catch(() => '');
  return /^flags: .*F/m.test(handler)
    ? 'emulated by the handler of this host'
    : `not emulated: Linux ${release()} is older than 6.7, and the host has no handler with flag F; images for aarch64 need it`;
}

async function present(path: string): Promise<string | undefined> {
  return await access(path).then(
    () => path,
    () => undefined,
  );
}

async function fileSystem(name: string): Promise<string | undefined> {
  const known = await readFile('/proc/filesystems', 'utf8');
  if (new RegExp(`\\b${name}$`, 'm').test(known)) {
    return 'the kernel has it';
  }
  return (await runCommand(['modprobe', '--dry-run', name])).exitCode === 0
    ? 'the kernel can load it'
    : undefined;
}

async function userNamespaces(): Promise<string | undefined> {
  const limit = await readFile('/proc/sys/user/max_user_namespaces', 'utf8').catch(() => '0');
  return Number(limit) > 0 ? `up to ${limit.trim()}` : undefined;
}

async function cgroups(): Promise<string | undefined> {
  const names: string[] = await readdir('/sys/fs/cgroup').catch(() => []);
  if (names.includes('cgroup.controllers')) {
    return 'version 2';
  }
  return names.includes('memory') && names.includes('pids') ? 'version 1' : undefined;
}

async function freeDisk(folder: string): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(await existing(folder));
  const free = bavail * bsize;
  return free >= DISK_BYTES ? `${formatBytes(free)} free below ${folder}` : undefined;
}

/** The folder, or that above it which is there. */
async function existing(folder: string): Promise<string> {
  return await access(folder).then(
    () => folder,
    () => (folder === dirname(folder) ? folder : existing(dirname(folder))),
  );
}
