/**
 * Packages that Debian has no counterpart of: the frame of directories, links and users; the releases of the two
 * families; stand-ins for the families' own certificate packages; and tiny ones whose faults tests are about.
 */
import { BASE } from './package-set.ts';
import type { RpmPackage } from './spec.ts';

const NAME = 'kilnos';
const RELEASE_VERSION = '1';

function own(name: string, summary: string, also: Partial<RpmPackage>): RpmPackage {
  return {
    name,
    version: { epoch: 0, version: '1.0', release: '1' },
    architecture: 'noarch',
    summary,
    description: summary,
    homepage: '',
    requires: [],
    preRequires: ['filesystem'],
    provides: [],
    conflicts: [],
    obsoletes: [],
    post: '',
    archive: null,
    files: '',
    conffiles: [],
    ...also,
  };
}

/** Directories that only `filesystem` owns, with their modes; other packages are built without them. */
export const SHARED_DIRECTORIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...[
        'boot',
        'dev',
        'etc',
        'etc/default',
        'etc/pam.d',
        'etc/profile.d',
        'etc/skel',
        'etc/ssl',
        'etc/ssl/certs',
      ],
      ...['home', 'media', 'mnt', 'opt', 'proc', 'run', 'srv', 'sys', 'usr', 'usr/bin', 'usr/include'],
      ...['usr/lib', 'usr/lib64', 'usr/libexec', 'usr/local', 'usr/sbin', 'usr/share', 'usr/share/doc'],
      ...[
        'usr/share/info',
        'usr/share/locale',
        'usr/share/man',
        'usr/share/misc',
        'usr/src',
        'var',
        'var/cache',
      ],
      ...['var/lib', 'var/log', 'var/opt', 'var/spool'],
      ...['bin', 'etc', 'lib', 'sbin', 'share', 'src'].map((name) => `usr/local/${name}`),
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((section) => `usr/share/man/man${section}`),
    ].map((path) => [path, '755']),
  ),
  root: '700',
  tmp: '1777',
  'var/mail': '2775',
  'var/tmp': '1777',
};

const LINKS = {
  bin: 'usr/bin',
  sbin: 'usr/sbin',
  lib: 'usr/lib',
  lib64: 'usr/lib64',
  'var/run': '../run',
  'var/lock': '../run/lock',
  'var/spool/mail': '../mail',
};

/** Users and groups that files of packages belong to or that Debian's programs take for granted, with their ids. */
const USERS = { daemon: 1, bin: 2, sys: 3, man: 6, mail: 8, 'www-data': 33, backup: 34, nobody: 65534 };
const GROUPS = {
  ...{ root: 0, daemon: 1, bin: 2, sys: 3, adm: 4, tty: 5, disk: 6, lp: 7, mail: 8, man: 12, kmem: 15 },
  ...{
    dialout: 20,
    fax: 21,
    cdrom: 24,
    floppy: 25,
    tape: 26,
    sudo: 27,
    audio: 29,
    'www-data': 33,
    backup: 34,
  },
  ...{ utmp: 43, video: 44, shadow: 42, sasl: 45, plugdev: 46, staff: 50, users: 100, nogroup: 65534 },
};

/** Names before the first file that belongs to one of them: rpm looks them up in the image as it unpacks. */
function setup(): RpmPackage {
  const users = ['root:x:0:0:root:/root:/bin/bash'];
  for (const [user, id] of Object.entries(USERS)) {
    users.push(`${user}:x:${id}:${id}:${user}:/nonexistent:/usr/sbin/nologin`);
  }
  const groups = Object.entries(GROUPS);
  const lines = [
    'mkdir -p etc',
    textFile('etc/passwd', users),
    textFile(
      'etc/group',
      groups.map(([group, id]) => `${group}:x:${id}:`),
    ),
  ];
  return own('setup', 'Users and groups of every system', {
    preRequires: [],
    provides: [
      ...Object.keys(USERS).map((name) => `user(${name})`),
      ...groups.map(([name]) => `group(${name})`),
    ],
    files: lines.join('\n'),
    conffiles: ['/etc/passwd', '/etc/group'],
  });
}

function fileSystem(): RpmPackage {
  const lines = [
    ...Object.entries(SHARED_DIRECTORIES).map(([path, mode]) => `install -d -m ${mode} ${path}`),
    'chgrp mail var/mail',
    ...Object.entries(LINKS).map(([path, target]) => `ln -s ${target} ${path}`),
    textFile(
      'etc/shadow',
      ['root', ...Object.keys(USERS)].map((user) => `${user}:*:19000:0:99999:7:::`),
    ),
    textFile(
      'etc/gshadow',
      Object.keys(GROUPS).map((group) => `${group}:*::`),
    ),
    'chgrp shadow etc/shadow etc/gshadow',
    'chmod 640 etc/shadow etc/gshadow',
    textFile('etc/shells', ['/bin/sh', '/bin/bash', '/usr/bin/bash']),
    textFile('etc/profile', [
      'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
      'for part in /etc/profile.d/*.sh; do [ -r "$part" ] && . "$part"; done',
      'unset part',
    ]),
  ];
  return own('filesystem', 'Directories and links of every system', {
    preRequires: ['setup'],
    files: lines.join('\n'),
    conffiles: ['shadow', 'gshadow', 'shells', 'profile'].map((name) => `/etc/${name}`),
  });
}

function textFile(path: string, lines: readonly string[]): string {
  return `cat > ${path} <<'END'\n${lines.join('\n')}\nEND`;
}

function release(flavour: string, like: string, other: string): RpmPackage {
  const lines = [
    'NAME="Kiln OS"',
    `ID=${NAME}`,
    `ID_LIKE="${like}"`,
    `VERSION_ID="${RELEASE_VERSION}"`,
    `PRETTY_NAME="Kiln OS ${RELEASE_VERSION} (${flavour})"`,
    `CPE_NAME="cpe:/o:kiln:kilnos:${RELEASE_VERSION}"`,
  ];
  return own(`${NAME}-release-${flavour}`, `Names the system: Kiln OS as a relative of ${like}`, {
    provides: [
      `system-release = ${RELEASE_VERSION}`,
      `distribution-release = ${RELEASE_VERSION}`,
      `${NAME}-release`,
    ],
    conflicts: [`${NAME}-release-${other}`],
    files: `mkdir -p etc usr/lib
${textFile('usr/lib/os-release', lines)}
ln -s ../usr/lib/os-release etc/os-release
printf 'Kiln OS ${RELEASE_VERSION} \\\\n \\\\l\\n' > etc/issue`,
    conffiles: ['/etc/issue'],
  });
}

interface CertificateLayout {
  readonly family: string;
  readonly other: string;
  /** Absolute path of the tool. */
  readonly tool: string;
  /** Folders that a site puts certificates into, and where the Mozilla bundle is. */
  readonly anchors: readonly string[];
  readonly mozilla: string;
  /** The file that the tool writes. */
  readonly bundle: string;
  /** Links to it, besides the one that Debian's OpenSSL, GnuTLS and curl read. */
  readonly links: readonly string[];
}

const CERTIFICATE_LAYOUTS: readonly CertificateLayout[] = [
  {
    family: 'suse',
    other: 'rhel',
    tool: '/usr/sbin/update-ca-certificates',
    anchors: ['/etc/pki/trust/anchors', '/usr/share/pki/trust/anchors'],
    mozilla: '/usr/share/pki/trust/mozilla.pem',
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
    links: ['/etc/ssl/ca-bundle.pem'],
  },
  {
    family: 'rhel',
    other: 'suse',
    tool: '/usr/bin/update-ca-trust',
    anchors: ['/etc/pki/ca-trust/source/anchors', '/usr/share/pki/ca-trust-source/anchors'],
    mozilla: '/usr/share/pki/ca-trust-source/mozilla.pem',
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    links: ['/etc/pki/tls/certs/ca-bundle.crt'],
  },
];

/** Where the programs of Debian look. */
const DEBIAN_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

function certificates(layout: CertificateLayout, archive: string): RpmPackage {
  const { tool, mozilla, bundle } = layout;
  const script = [
    '#!/bin/sh',
    '# Stands in for the tool of p11-kit: the bundle is what Mozilla trusts and every anchor, one after the other.',
    'set -eu',
    `new=$(mktemp ${bundle}.XXXXXX)`,
    `for file in ${mozilla} ${layout.anchors.map((folder) => `${folder}/*`).join(' ')}; do`,
    '  [ -f "$file" ] || continue',
    '  cat "$file"',
    '  echo',
    'done > "$new"',
    'chmod 644 "$new"',
    `mv "$new" ${bundle}`,
  ];
  const at = (path: string) => path.slice(1);
  const folderOf = (path: string) => at(path).replace(/\/[^/]+$/, '');
  const links = [DEBIAN_BUNDLE, ...layout.links];
  const folders = [...layout.anchors.map(at), ...[tool, mozilla, bundle, ...links].map(folderOf)];
  return own(
    `ca-certificates-${layout.family}`,
    `Certificates that Mozilla trusts, laid out as in the ${layout.family} family`,
    {
      preRequires: ['filesystem', 'coreutils'],
      provides: ['ca-certificates'],
      conflicts: [`ca-certificates-${layout.other}`],
      files: `mkdir -p ${[...new Set(folders)].join(' ')}
dpkg-deb --fsys-tarfile ${archive} | tar -xf - -O --wildcards './usr/share/ca-certificates/mozilla/*.crt' > ${at(mozilla)}
${textFile(at(tool), script)}
chmod 755 ${at(tool)}
{ cat ${at(mozilla)}; echo; } > ${at(bundle)}
${links.map((link) => `ln -s ${bundle} ${at(link)}`).join('\n')}`,
      // An update must not bring back the bundle as it was before the site's anchors.
      conffiles: [bundle],
      post: tool,
    },
  );
}

/** Of the distribution itself. `archive` is the path of Debian's ca-certificates. */
export function ownPackages(archive: string): RpmPackage[] {
  return [
    setup(),
    fileSystem(),
    own('basesystem', 'What every system has', { requires: [...BASE] }),
    release('zypp', 'suse opensuse', 'dnf'),
    release('dnf', 'rhel fedora', 'zypp'),
    ...CERTIFICATE_LAYOUTS.map((layout) => certificates(layout, archive)),
    hello('1.0'),
  ];
}

function hello(version: string): RpmPackage {
  return own('kiln-test-hello', 'Says hello, and in which version', {
    version: { epoch: 0, version, release: '1' },
    files: `mkdir -p usr/bin
printf '#!/bin/sh\\necho hello ${version}\\n' > usr/bin/kiln-test-hello
chmod 755 usr/bin/kiln-test-hello`,
  });
}

/** A newer version of a package of the distribution. */
export const updatePackages = (): RpmPackage[] => [hello('2.0')];

/** Packages that cannot, or must not, be installed; how they are signed is the builder's business. */
export function brokenPackages(): RpmPackage[] {
  return [
    own('kiln-test-broken', 'Needs what nobody has', { requires: ['kiln-test-does-not-exist >= 3'] }),
    own(BADLY_SIGNED, 'Signed with a key that nobody trusts', {}),
    own(UNSIGNED, 'Not signed at all', {}),
  ];
}

export const BADLY_SIGNED = 'kiln-test-badsig';
export const UNSIGNED = 'kiln-test-unsigned';
