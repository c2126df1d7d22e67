/**
 * What the distribution is made of: the packages of Debian that are asked for by name (apt adds what they depend on),
 * those that stay out, and what Debian's maintainer scripts would have done, in our own words.
 */

export const SUITE = 'forky';

/** Debian's word and rpm's for the machine of this host. Throws on one that the fixture does not know. */
export function architecture(machine: string): { debian: string; rpm: string } {
  const known = { x64: { debian: 'amd64', rpm: 'x86_64' }, arm64: { debian: 'arm64', rpm: 'aarch64' } };
  if (machine !== 'x64' && machine !== 'arm64') {
    throw new Error(`the rpm distribution cannot be made on ${machine}`);
  }
  return known[machine];
}

/** What Debian expects of every system: its packages do not name these among their dependencies. */
export const BASE = [
  'bash',
  'coreutils',
  'dash',
  'debianutils',
  'diffutils',
  'findutils',
  'grep',
  'gzip',
  'hostname',
  'libc-bin',
  'login.defs',
  'mawk',
  'ncurses-base',
  'ncurses-bin',
  'sed',
  'tar',
  'util-linux',
];

/** Asked for besides the base. */
export function seeds(debianArchitecture: string): string[] {
  return [
    ...BASE,
    'ca-certificates',
    'cpio',
    'curl',
    'dbus',
    'dmsetup',
    'dnf',
    'dnf5',
    'dracut',
    'dracut-network',
    'iproute2',
    'iputils-arping',
    'iputils-ping',
    'kmod',
    'less',
    'libpam-systemd',
    `linux-image-${debianArchitecture}`,
    'login',
    'mount',
    'openssh-client',
    'openssh-server',
    'openssl',
    'passwd',
    'procps',
    'rpm',
    'squashfs-tools',
    'sudo',
    'systemd',
    'systemd-resolved',
    'systemd-sysv',
    'tzdata',
    'udev',
    'xz-utils',
    'zstd',
    'zypper',
  ];
}

/**
 * Not made into rpms, and dependencies on them are dropped: tools of Debian's maintainer scripts, which do not come
 * along, and packages that ours stand in for.
 */
export const LEFT_OUT: ReadonlySet<string> = new Set([
  'base-files',
  'base-passwd',
  'ca-certificates',
  'debconf',
  'debconf-2.0',
  'dpkg',
  'init-system-helpers',
  'libdebconfclient0',
  'libtext-charwidth-perl',
  'libtext-wrapi18n-perl',
  'runit-helper',
  'sensible-utils',
  'ucf',
]);

export interface Addition {
  /** Names of packages that this holds for. */
  readonly packages: RegExp;
  /** Shell lines that add files to the package; the working folder is its root. */
  readonly files?: string;
  /** Paths among those that are configuration. */
  readonly conffiles?: readonly string[];
  /** Shell lines that run in the image after its files are there. `$NAME` is what the pattern's group found. */
  readonly post?: string;
  /** Packages whose programs `post` runs. */
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
}

const sysusers = (packages: RegExp, file: string): Addition => ({
  packages,
  post: `systemd-sysusers ${file}`,
  requires: ['systemd'],
});

const PAM = `mkdir -p etc/pam.d
echo 'auth required pam_unix.so nullok' > etc/pam.d/common-auth
echo 'account required pam_unix.so' > etc/pam.d/common-account
echo 'password required pam_unix.so yescrypt' > etc/pam.d/common-password
printf 'session required pam_unix.so\\n-session optional pam_systemd.so\\n' > etc/pam.d/common-session
echo 'session required pam_unix.so' > etc/pam.d/common-session-noninteractive`;

/** Debian does these things in scripts of its own, of which none is in the rpms. */
export const ADDITIONS: readonly Addition[] = [
  { packages: /^dash$/, provides: ['/bin/sh'] },
  { packages: /^bash$/, provides: ['/bin/bash'] },
  // zypper refuses to work on a system without (its systemCheck).
  { packages: /^libc6$/, provides: ['glibc'] },
  // Debian's alternatives, settled once.
  { packages: /^mawk$/, files: 'ln -s mawk usr/bin/awk', provides: ['/usr/bin/awk'] },
  { packages: /^debianutils$/, files: 'ln -s which.debianutils usr/bin/which' },
  {
    packages: /^libc-bin$/,
    files: 'cp usr/share/libc-bin/nsswitch.conf etc/nsswitch.conf',
    conffiles: ['/etc/nsswitch.conf'],
    post: 'ldconfig',
  },
  {
    packages: /^libpam-runtime$/,
    files: PAM,
    conffiles: ['auth', 'account', 'password', 'session', 'session-noninteractive'].map(
      (kind) => `/etc/pam.d/common-${kind}`,
    ),
  },
  {
    packages: /^openssh-server$/,
    files: 'install -m 600 usr/share/openssh/sshd_config etc/ssh/sshd_config',
    conffiles: ['/etc/ssh/sshd_config'],
    post: 'systemd-sysusers openssh-server.conf',
    requires: ['systemd'],
  },
  sysusers(/^dbus-system-bus-common$/, 'dbus.conf'),
  sysusers(/^systemd-resolved$/, 'systemd-resolve.conf'),
  { packages: /^systemd$/, post: 'systemd-sysusers\nsystemctl preset getty@.service', requires: ['passwd'] },
  {
    packages: /^udev$/,
    post: 'systemd-sysusers debian-udev.conf\nsystemd-hwdb --usr update',
    requires: ['systemd'],
  },
  { packages: /^linux-modules-(\d.*)$/, post: 'depmod -a $NAME', requires: ['kmod'] },
];
