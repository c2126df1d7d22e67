/** What the settings give the authority: certificates and keys in files of the administrator, read and checked. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { KilnError } from '../../contract/errors.ts';
import { PACKAGES_HOST } from '../../contract/repositories.ts';
import type { Settings } from '../../platform/options.ts';
import type { KeyAndCertificate } from './openssl.ts';
import { certificatesIn } from './pem.ts';

/** The name under which builds and nodes reach the package repositories. */
const SERVER_NAME = PACKAGES_HOST;

const HOST_NAME =
  /^(?=.{1,253}$)(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

export type AuthoritySettings = Pick<
  Settings,
  | 'authority.certificate_file'
  | 'authority.key_file'
  | 'packages.certificate_file'
  | 'packages.key_file'
  | 'packages.names'
  | 'trust.ca_file'
>;

export interface Given {
  /** A certificate authority of the site, with what else is in its file, that issues the server certificate. */
  readonly root: KeyAndCertificate | undefined;
  /** A server certificate with its chain, ready to use. */
  readonly server: KeyAndCertificate | undefined;
  /** More certificates to trust, one by one. */
  readonly trusted: readonly string[];
  /** Names that an issued server certificate has. */
  readonly names: readonly string[];
}

/** Throws `config-invalid` that says which file is wrong, and what to do. */
export async function readGiven(settings: AuthoritySettings, now: Date): Promise<Given> {
  const root = await readPair(settings, 'authority', now);
  if (root !== undefined && !new X509Certificate(root.certificate).ca) {
    throw invalid(
      'authority.certificate_file',
      'its first certificate is not that of an authority (no CA:TRUE); a server certificate belongs into packages.certificate_file',
    );
  }
  const server = await readPair(settings, 'packages', now);
  if (server !== undefined && new X509Certificate(server.certificate).checkHost(SERVER_NAME) === undefined) {
    throw invalid(
      'packages.certificate_file',
      `its first certificate is not good for ${SERVER_NAME}, the name that recipes have; ask for one with that name`,
    );
  }
  return { root, server, trusted: await readTrusted(settings['trust.ca_file']), names: namesOf(settings) };
}

async function readPair(
  settings: AuthoritySettings,
  noun: 'authority' | 'packages',
  now: Date,
): Promise<KeyAndCertificate | undefined> {
  const names = { certificate: `${noun}.certificate_file`, key: `${noun}.key_file` } as const;
  const files = { certificate: settings[names.certificate], key: settings[names.key] };
  if (files.certificate === '' && files.key === '') {
    return undefined;
  }
  for (const [kind, other] of [
    ['certificate', 'key'],
    ['key', 'certificate'],
  ] as const) {
    if (files[kind] === '') {
      throw invalid(names[kind], `it is empty, but ${names[other]} is not: both are needed`);
    }
  }
  const certificates = await readCertificates(names.certificate, files.certificate);
  const first = new X509Certificate(certificates[0] ?? '');
  checkDates(names.certificate, first, now);
  const key = await readText(names.key, files.key);
  if (!first.checkPrivateKey(parseKey(names.key, files.key, key))) {
    throw invalid(names.key, `${files.key} is not the key of the first certificate in ${files.certificate}`);
  }
  return { certificate: certificates.join(''), key };
}

async function readTrusted(file: string): Promise<string[]> {
  return file === '' ? [] : await readCertificates('trust.ca_file', file);
}

async function readCertificates(setting: string, file: string): Promise<string[]> {
  const certificates = certificatesIn(await readText(setting, file));
  if (certificates.length === 0) {
    throw invalid(
      setting,
      `${file} has no PEM certificate (-----BEGIN CERTIFICATE-----); \`openssl x509 -inform DER -in FILE\` converts one`,
    );
  }
  certificates.forEach((pem, index) => {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw invalid(setting, `certificate ${index + 1} of ${file} cannot be read: ${messageOf(cause)}`);
    }
  });
  return certificates;
}

function parseKey(setting: string, file: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    const problem = /ENCRYPTED/.test(text)
      ? 'has a passphrase; `openssl pkey` writes it without one'
      : 'has no PEM private key (-----BEGIN PRIVATE KEY-----)';
    throw invalid(setting, `${file} ${problem}`, cause);
  }
}

function checkDates(setting: string, { validFrom, validTo }: X509Certificate, now: Date): void {
  if (new Date(validTo) <= now) {
    throw invalid(setting, `its first certificate expired on ${validTo}; renew it`);
  }
  if (new Date(validFrom) > now) {
    throw invalid(
      setting,
      `its first certificate is not valid before ${validFrom}; look at the clock of this machine`,
    );
  }
}

function namesOf(settings: AuthoritySettings): string[] {
  const more = settings['packages.names'].split(',').map((name) => name.trim());
  const names = more.filter((name) => name !== '');
  for (const name of names) {
    if (isIP(name) === 0 && !HOST_NAME.test(name)) {
      throw invalid('packages.names', `"${name}" is neither a host name nor an address`);
    }
  }
  return [...new Set([SERVER_NAME, ...names])];
}

async function readText(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw invalid(setting, `${file} cannot be read: ${messageOf(cause)}`);
  }
}

function invalid(setting: string, problem: string, cause?: unknown): KilnError {
  return new KilnError('config-invalid', `${setting}: ${problem}`, {
    items: [{ message: problem, pointer: setting }],
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
