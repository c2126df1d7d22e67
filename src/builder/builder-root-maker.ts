/**
 * Makes one builder root: debootstrap into a folder, a few files of ours, a squashfs with shifted ids. What mounts
 * something does so in private namespaces; a killed maker leaves a folder and nothing else.
 */
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Architecture } from '../contract/common.ts';
import { type CommandOptions, mustRun } from '../platform/exec.ts';
import { packageFile } from '../platform/package-root.ts';
import { HOST_ARCHITECTURE } from './emulation.ts';
import { ID_SHIFT } from './oci-bundle.ts';
import { inPrivateNamespaces } from './private-namespaces.ts';

/** Raise this when the way in which a builder root is made changes its content. */
export const RECIPE_VERSION = 3;

/** For images of aarch64 on x86_64: the emulator, and what makes ours of it. */
const EMULATION = ['nasm', 'qemu-user'];

const PACKAGES = [
  'acl',
  'ansible-core',
  'apt-utils',
  'attr',
  'bzip2',
  'ca-certificates',
  'createrepo-c',
  'debootstrap',
  'dnf',
  'dnf5',
  'file',
  'git',
  'gpg',
  'kiwi',
  'kiwi-systemdeps-core',
  'less',
  'nano',
  // Build nodes run the runner with it.
  'nodejs',
  'openssh-server',
  'procps',
  // debootstrap does not follow the virtual packages by which Ansible's cryptography asks for it.
  'python3-cffi-backend',
  'python3-jinja2',
  'python3-lxml',
  'python3-yaml',
  'rpm',
  'rsync',
  'squashfs-tools',
  'xsltproc',
  'xz-utils',
  'zstd',
  'zypper',
];

/** What Kiln itself needs in a builder root for this machine. */
export function packagesFor(arch: Architecture): readonly string[] {
  return arch === 'x86_64' ? [...EMULATION, ...PACKAGES] : PACKAGES;
}

/** Kiwi binds these into the root that it makes; in a user namespace rpm may not change their owner. */
export const FILES = { 'etc/rpm/macros.kiln': '%_netsharedpath /proc:/sys:/dev\n' } as const;

export const WASTE = [
  'var/cache/apt/archives',
  'var/lib/apt/lists',
  'usr/share/doc',
  'usr/share/man',
  'var/log',
] as const;

export type MakingPhase = 'download' | 'unpack' | 'configure' | 'squash';

export interface MakingWatch {
  /** Called for each line of debootstrap. */
  readonly onLine?: (line: string) => void;
  /** Called with the number of packages that are through a phase. */
  readonly onProgress?: (progress: { phase: MakingPhase; done: number }) => void;
  readonly signal?: AbortSignal;
}

export interface MakingOptions {
  /** Empty folder that becomes the builder root's: root.squashfs and root.json. */
  readonly folder: string;
  readonly digest: string;
  readonly suite: string;
  readonly mirror: string;
  readonly packages: readonly string[];
}

const PHASES: readonly (readonly [RegExp, MakingPhase])[] = [
  [/^I: Retrieving /, 'download'],
  [/^I: (?:Extracting|Unpacking) /, 'unpack'],
  [/^I: Configuring /, 'configure'],
];

/** Throws `CommandError` with the last lines of the tool that failed. */
export async function makeBuilderRoot(options: MakingOptions, watch: MakingWatch): Promise<void> {
  const root = join(options.folder, 'root');
  const signal = watch.signal ? { signal: watch.signal } : {};
  await mustRun(
    inPrivateNamespaces([
      'debootstrap',
      '--variant=minbase',
      // An archive that nobody vouches for would be root in every build.
      '--force-check-gpg',
      `--include=${options.packages.join(',')}`,
      options.suite,
      root,
      options.mirror,
      // Older debootstraps do not know the names of newer suites, which are all made like this one.
      '/usr/share/debootstrap/scripts/sid',
    ]),
    { ...signal, onLine: lineWatcher(watch) },
  );
  await addFiles(root);
  if (HOST_ARCHITECTURE === 'x86_64') {
    await makeEmulator(root, signal);
  }
  await removeWaste(root);
  await removeHostKeys(root);
  const packages = await installedPackages(root, signal);
  watch.onProgress?.({ phase: 'squash', done: 0 });
  await squash(options.folder, root, signal);
  await chmod(join(options.folder, 'root.squashfs'), 0o644);
  await rm(root, { recursive: true, force: true });
  await writeAbout(options, packages);
}

/** The last thing that is written: a folder without it holds no builder root. */
export async function writeAbout(
  { folder, digest, suite }: MakingOptions,
  packages: Record<string, string>,
): Promise<void> {
  const about = { digest, suite, created: new Date().toISOString(), packages };
  await writeFile(join(folder, 'root.json'), `${JSON.stringify(about, null, 2)}\n`);
}

export function lineWatcher(watch: MakingWatch): (line: string) => void {
  const counts = { download: 0, unpack: 0, configure: 0, squash: 0 };
  return (line) => {
    watch.onLine?.(line);
    const phase = PHASES.find(([pattern]) => pattern.test(line))?.[1];
    if (phase !== undefined) {
      counts[phase] += 1;
      watch.onProgress?.({ phase, done: counts[phase] });
    }
  };
}

async function addFiles(root: string): Promise<void> {
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

/** Of QEMU's forty emulators one is kept, as a program that knows what the sandbox lends to it: see emulate.py. */
async function makeEmulator(root: string, options: CommandOptions): Promise<void> {
  const folder = join('usr', 'lib', 'kiln');
  await mkdir(join(root, folder));
  await copyFile(packageFile('src', 'builder', 'scripts', 'lend.asm'), join(root, folder, 'lend.asm'));
  const script = await readFile(packageFile('src', 'builder', 'scripts', 'make_emulator.py'), 'utf8');
  const files = [`/${folder}/lend.asm`, '/usr/bin/qemu-aarch64', `/${folder}/emulate-aarch64`];
  await mustRun(['chroot', root, 'python3', '-I', '-', ...files], { ...options, input: script });
  const programs = await readdir(join(root, 'usr', 'bin'));
  const unused = programs.filter((name) => name.startsWith('qemu-'));
  await Promise.all(unused.map((name) => rm(join(root, 'usr', 'bin', name))));
}

async function removeWaste(root: string): Promise<void> {
  for (const waste of WASTE) {
    await rm(join(root, waste), { recursive: true, force: true });
    await mkdir(join(root, waste), { recursive: true });
  }
  await mkdir(join(root, 'var/cache/apt/archives/partial'), { recursive: true });
  await mkdir(join(root, 'var/lib/apt/lists/partial'), { recursive: true });
}

/** Each shell gets a host key of its own; one that all builder roots of a site share would prove nothing. */
async function removeHostKeys(root: string): Promise<void> {
  const folder = join(root, 'etc', 'ssh');
  const keys = (await readdir(folder)).filter((name) => name.startsWith('ssh_host_'));
  await Promise.all(keys.map((name) => rm(join(folder, name))));
}

async function installedPackages(root: string, options: CommandOptions): Promise<Record<string, string>> {
  const { stdout } = await mustRun(
    ['chroot', root, 'dpkg-query', '-W', '-f', `\${Package} \${Version}\n`],
    options,
  );
  return packagesIn(stdout);
}

/** Names with their versions, one package a line. */
export function packagesIn(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  );
}

/** By the root's own mksquashfs: the host's may not know how to shift ids. */
async function squash(folder: string, root: string, options: CommandOptions): Promise<void> {
  const script = `mount --bind "$1" "$1" && mkdir -p "$1/mnt/out" && mount --bind "$2" "$1/mnt/out" && cd "$1" &&
exec chroot . mksquashfs / /mnt/out/root.squashfs -comp zstd -Xcompression-level 3 -noappend -no-progress -quiet \\
  -uid-gid-offset ${ID_SHIFT} -wildcards -e 'proc/*' 'sys/*' 'dev/*' 'mnt/*' 'tmp/*'`;
  await mustRun(inPrivateNamespaces(['sh', '-c', script, 'squash', root, folder]), options);
}
