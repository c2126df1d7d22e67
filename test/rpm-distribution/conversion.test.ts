import { describe, expect, it } from 'vitest';
import { parsePackages } from './control.ts';
import { convert } from './conversion.ts';
import { type RpmPackage, specOf } from './spec.ts';

const STANZAS = `Package: libc6
Version: 2.43-7
Architecture: amd64
Depends: libgcc-s1
Description: GNU C Library: Shared libraries
 Contains the standard libraries, 100% of them.
 .
 Second paragraph.
File: libc6_2.43-7_amd64.deb
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf

Package: openssh-server
Version: 1:10.6p1-1
Architecture: amd64
Pre-Depends: libc6 (>= 2.34)
Depends: passwd, debconf (>= 0.5) | debconf-2.0,
 systemd | systemd-sysusers
Conflicts: ssh-server
Provides: ssh-server
Description: secure shell server
File: openssh-server_1%3a10.6p1-1_amd64.deb

Package: debconf
Version: 1.5
Architecture: all
Description: asks
File: debconf.deb

Package: tzdata
Version: 2026f-1
Architecture: all
Description: time zones
File: tzdata.deb
`;

const converted = convert(parsePackages(STANZAS), 'x86_64');
const named = (name: string): RpmPackage => {
  const found = converted.find((each) => each.name === name);
  if (found === undefined) {
    throw new Error(`no ${name} among ${converted.map((each) => each.name).join(', ')}`);
  }
  return found;
};

describe('packages of Debian as rpms', () => {
  it('leave out the tools of scripts that do not come along, and dependencies on them', () => {
    expect(converted.map((each) => each.name)).toEqual(['libc6', 'openssh-server', 'tzdata']);
    expect(named('openssh-server').requires).toEqual(['passwd', '(systemd or systemd-sysusers)']);
  });

  it('come after the frame of directories and what they need to be set up', () => {
    expect(named('openssh-server').preRequires).toEqual(['filesystem', 'libc6 >= 2.34', 'systemd']);
  });

  it('keep configuration, users and names that others ask for', () => {
    expect(named('libc6').conffiles).toEqual(['/etc/ld.so.conf.d/x86_64-linux-gnu.conf']);
    expect(named('libc6').provides).toEqual(['glibc']);
    expect(named('openssh-server')).toMatchObject({
      provides: ['ssh-server'],
      conflicts: [],
      post: 'systemd-sysusers openssh-server.conf',
      archive: 'openssh-server_1%3a10.6p1-1_amd64.deb',
    });
    expect(named('tzdata').architecture).toBe('noarch');
  });

  it('throw when a stanza lacks what a package has', () => {
    expect(() => parsePackages('Package: a\nVersion: 1\n')).toThrow('no field architecture');
  });
});

describe('a spec file', () => {
  const lines = specOf(named('openssh-server'), 'lay-out', '/files').split('\n');

  it('names what rpm has to know, and lets it find out nothing', () => {
    expect(lines).toEqual(
      expect.arrayContaining([
        'Name: openssh-server',
        'Epoch: 1',
        'Version: 10.6p1',
        'Release: 1',
        'AutoReqProv: no',
        'Requires(pre,post): libc6 >= 2.34',
        'Requires: (systemd or systemd-sysusers)',
        'Provides: ssh-server',
        '%files -f /files',
      ]),
    );
  });

  it('has no macros but its own', () => {
    expect(specOf(named('libc6'), 'lay-out', '/files')).toContain('100%% of them.\n\nSecond paragraph.');
  });
});
