/** Certificates as PEM text: taken apart, looked at, and told apart by their fingerprints. Reads and keeps nothing. */
import { X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

export interface CertificateFacts {
  readonly subject: string;
  /** SHA-256 of the certificate, lower case hex. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The certificates of a PEM text, one by one, each ending with a newline. */
export function certificatesIn(text: string): string[] {
  return (text.match(CERTIFICATE) ?? []).map((pem) => `${pem}\n`);
}

/** Throws what OpenSSL says when the text is no certificate. */
export function factsOf(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
  };
}

/** Short name of a certificate, for files and addresses. */
export function idOf(pem: string): string {
  return factsOf(pem).fingerprint.slice(0, 16);
}

/** The certificates in their order, each once. */
export function withoutRepeats(certificates: readonly string[]): string[] {
  return [...new Map(certificates.map((pem) => [idOf(pem), pem])).values()];
}
