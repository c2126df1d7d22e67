/**
 * Packages that Debian has no counterpart of, by the repository that they are in: the frame of every system, the
 * releases of the two families, their certificates, how SUSE sets names and time, and tiny ones whose faults tests are about.
 */
import { fileSystem, setup } from './base-packages.ts';
import { certificatePackages } from './certificate-packages.ts';
import { chronyPool, netconfig } from './network-packages.ts';
import { own, textFile } from './own-package.ts';
import { BASE } from './package-set.ts';
import type { RpmPackage } from './spec.ts';

const NAME = 'kilnos';
const RELEASE_VERSION = '1';

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

/** Of the distribution itself. `archive` is the path of Debian's ca-certificates. */
export function ownPackages(archive: string): RpmPackage[] {
  return [
    setup(),
    fileSystem(),
    own('basesystem', 'What every system has', { requires: [...BASE] }),
    release('zypp', 'suse opensuse', 'dnf'),
    release('dnf', 'rhel fedora', 'zypp'),
    ...certificatePackages(archive),
    netconfig(),
    chronyPool(),
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
