/**
 * What the distribution is made of: the packages of Debian that are asked for by name (apt adds what they depend on),
 * those that stay out, and what Debian's maintainer scripts would have done, in our own words.
 */

export const SUITE = 'forky';

/** What the distribution is for, in rpm's word; with Debian's word for it. */
export const DEBIAN_ARCHITECTURES = { x86_64: 'amd64', aarch64: 'arm64' } as const;

export type Machine = keyof typeof DEBIAN_ARCHITECTURES;

/** The machine of this host. */
export const HOST: Machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

export function isMachine(name: string): name is Machine {
  return name in DEBIAN_ARCHITECTURES;
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
    'chrony',
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

/** Asked for apart from the others, which they exclude: there is one service for the time on a system. */
export const SEEDS_APART: readonly (readonly string[])[] = [['systemd-timesyncd']];

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
  // Fedora has this plugin in a package of its own: after each installation it wants createrepo_c, and dnf5 fails without.
  {
    packages: /^libdnf5-\d+$/,
    files: "sed -i 's/^enabled = host-only/enabled = 0/' etc/dnf/libdnf5-plugins/local.conf",
  },
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
  // Where the rpm families have its configuration; Debian's program looks at the link.
  {
    packages: /^chrony$/,
    files: `cp usr/share/chrony/chrony.conf etc/chrony.conf
echo 'confdir /etc/chrony.d' >> etc/chrony.conf
mkdir -p etc/chrony.d
ln -s ../chrony.conf etc/chrony/chrony.conf
install -m 640 usr/share/chrony/chrony.keys etc/chrony/chrony.keys`,
    conffiles: ['/etc/chrony.conf', '/etc/chrony/chrony.keys'],
    post: 'systemd-sysusers chrony.conf',
    requires: ['systemd'],
  },
  sysusers(/^dbus-system-bus-common$/, 'dbus.conf'),
  sysusers(/^systemd-resolved$/, 'systemd-resolve.conf'),
  sysusers(/^systemd-timesyncd$/, 'systemd-timesync.conf'),
  { packages: /^systemd$/, post: 'systemd-sysusers\nsystemctl preset getty@.service', requires: ['passwd'] },
  {
    packages: /^udev$/,
    post: 'systemd-sysusers debian-udev.conf\nsystemd-hwdb --usr update',
    requires: ['systemd'],
  },
  { packages: /^linux-modules-(\d.*)$/, post: 'depmod -a $NAME', requires: ['kmod'] },
];
