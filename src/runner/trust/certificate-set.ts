/** The certificates that an image gets, as one set with a version of its own. Pure. */
import { createHash, X509Certificate } from 'node:crypto';

/** What the scripts in the sandbox read. */
export interface CertificateSet {
  /** Beginning of the newest certificate, YYYYMMDD.HHMMSS: a set with a newer one is a newer version. */
  readonly version: string;
  /** First digits of the digest of the whole set. */
  readonly release: string;
  /** The same beginning in seconds of Unix time; all files of a package have it. */
  readonly seconds: number;
  readonly certificates: readonly { readonly name: string; readonly pem: string }[];
}

/** Undefined for none. Throws what OpenSSL says when one of them is no certificate. */
export function certificateSet(pems: readonly string[]): CertificateSet | undefined {
  const parsed = pems.map((pem) => {
    const certificate = new X509Certificate(pem);
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    return {
      // The tools of distributions want one certificate a file; a name that stays makes a change of the set readable.
      name: `kiln-platform-${fingerprint.slice(0, 16)}.crt`,
      pem: `${pem.trim()}\n`,
      begins: new Date(certificate.validFrom).getTime(),
    };
  });
  if (parsed.length === 0) {
    return undefined;
  }
  const begins = new Date(Math.max(...parsed.map((each) => each.begins)));
  const digest = createHash('sha256').update(parsed.map(({ pem }) => pem).join(''));
  return {
    version: begins.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '.'),
    release: digest.digest('hex').slice(0, 12),
    seconds: Math.floor(begins.getTime() / 1000),
    certificates: parsed.map(({ name, pem }) => ({ name, pem })),
  };
}
