/** The frame of every system, in place of base-passwd and base-files: users, groups, directories, links. */
import { own, textFile } from './own-package.ts';
import type { RpmPackage } from './spec.ts';

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
export function setup(): RpmPackage {
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

/** Shared directories, the links that make everything be in /usr, and files that the names of `setup` own. */
export function fileSystem(): RpmPackage {
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
