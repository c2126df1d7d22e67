/**
 * Makes one builder root: debootstrap into a folder, a few files of ours, a squashfs with shifted ids. What mounts
 * something does so in private namespaces; a killed maker leaves a folder and nothing else.
 */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOptions, mustRun } from '../platform/exec.ts';
import { ID_SHIFT } from './oci-bundle.ts';
import { inPrivateNamespaces } from './private-namespaces.ts';

/** Raise this when the way in which a builder root is made changes its content. */
export const RECIPE_VERSION = 2;

/** What Kiln itself needs in there. */
export const PACKAGES = [
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

/** Kiwi binds these into the root that it makes; in a user namespace rpm may not change their owner. */
const RPM_MACROS = '%_netsharedpath /proc:/sys:/dev\n';

const WASTE = [
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
  await removeWaste(root);
  await removeHostKeys(root);
  const packages = await installedPackages(root, signal);
  watch.onProgress?.({ phase: 'squash', done: 0 });
  await squash(options.folder, root, signal);
  await chmod(join(options.folder, 'root.squashfs'), 0o644);
  await rm(root, { recursive: true, force: true });
  const { digest, suite } = options;
  const about = { digest, suite, created: new Date().toISOString(), packages };
  await writeFile(join(options.folder, 'root.json'), `${JSON.stringify(about, null, 2)}\n`);
}

function lineWatcher(watch: MakingWatch): (line: string) => void {
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
  await mkdir(join(root, 'etc', 'rpm'), { recursive: true });
  await writeFile(join(root, 'etc', 'rpm', 'macros.kiln'), RPM_MACROS);
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
  return Object.fromEntries(
    stdout
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
