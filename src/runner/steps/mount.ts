/**
 * Lays the overlay over the image, with what the platform lends for the time of the work: name service, the name of its
 * packages, its certificates, and folders that programs need. None of that is in the result.
 */

import { NAME_SERVER } from '../../builder/network.ts';
import type { ImageOverlay, LaidFile, OverlayOptions } from '../../builder/overlay.ts';
import { KilnError } from '../../contract/errors.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { certificateHash } from '../../platform/certificate-hash.ts';
import { CommandError } from '../../platform/exec.ts';
import { OVERLAY } from '../image-root.ts';
import { packageHosts } from '../packages.ts';
import type { Step } from '../step.ts';

/** Where the families of distributions have their bundle: Debian, SUSE, RHEL. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
];
/** Folders in which OpenSSL of SUSE and of newer Fedora looks for certificates, by the digest of their subject. */
const CERTIFICATE_FOLDERS = [
  '/var/lib/ca-certificates/openssl',
  '/var/lib/ca-certificates/pem',
  '/etc/pki/ca-trust/extracted/pem/directory-hash',
];
const FOLDERS = ['/proc', '/sys', '/dev', '/run', '/tmp'];

export interface MountInput {
  readonly squashfs: string;
  readonly from: NonNullable<OverlayOptions['from']>;
}

export const mount: Step<MountInput, ImageOverlay> = {
  name: 'mount',
  async run(context, { squashfs, from }) {
    try {
      return await context.workspace.openOverlay(OVERLAY, { squashfs, laid: lent(context.document), from });
    } catch (cause) {
      const why = cause instanceof CommandError ? (cause.result.tail.at(-1) ?? cause.message) : String(cause);
      throw new KilnError('image-unreadable', why, { cause });
    }
  },
};

function lent(document: JobDocument): LaidFile[] {
  const hosts = Object.entries(packageHosts(document)).map(([name, address]) => `${address} ${name}`);
  const certificates = document.trusted_certificates.map((pem) => pem.trim());
  const nameServer = `nameserver ${NAME_SERVER}`;
  return [
    { path: '/etc/resolv.conf', content: `${nameServer}\n`, lines: [nameServer] },
    {
      path: '/etc/hosts',
      // Ours come first: an image may have an address of its own for a name, which its nodes use.
      content: (image) =>
        [...hosts, image?.toString('utf8').trimEnd() ?? '127.0.0.1 localhost', ''].join('\n'),
      lines: hosts,
    },
    ...BUNDLES.map((path) => ({ path, content: (image?: Buffer) => bundleWith(image, certificates) })),
    ...CERTIFICATE_FOLDERS.flatMap((folder) =>
      certificates.map((pem) => certificateFile(`${folder}/${certificateHash(pem)}.0`, pem)),
    ),
    ...FOLDERS.map((path) => ({ path })),
  ];
}

/** Copies of a certificate beside it may be an administrator's, who trusts it for good. */
function certificateFile(path: string, pem: string): LaidFile {
  const content = (image?: Buffer) => (image === undefined ? `${pem}\n` : bundleWith(image, [pem]));
  return { path, content, alone: true };
}

/** Undefined where there is no bundle, or where it has them all. */
function bundleWith(image: Buffer | undefined, certificates: readonly string[]): string | undefined {
  const bundle = image?.toString('utf8');
  const missing = certificates.filter((pem) => bundle?.includes(pem) === false);
  return missing.length === 0 ? undefined : `${bundle?.trimEnd()}\n${missing.join('\n')}\n`;
}
