/**
 * Stand-ins for the certificate packages of the two families: their folders and their command, without p11-kit. The
 * command writes one bundle, which the programs of Debian read, too.
 */
import { own, textFile } from './own-package.ts';
import type { RpmPackage } from './spec.ts';

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

/** One for each family; `archive` is the path of Debian's ca-certificates. */
export function certificatePackages(archive: string): RpmPackage[] {
  return CERTIFICATE_LAYOUTS.map((layout) => certificates(layout, archive));
}

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
