/**
 * Makes keys and certificates, with Node.js and the openssl program. A key is on the disk only below the folder of
 * the authority, which nobody else may enter, and never is an argument; what is made here is kept by the caller.
 */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KilnError } from '../../contract/errors.ts';
import { CommandError, mustRun } from '../../platform/exec.ts';

/** PEM texts. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

export interface Validity {
  readonly from: Date;
  readonly until: Date;
}

/** Working folders have this prefix; one that a crash left behind may be removed. */
export const WORK_PREFIX = '.work-';

const TIMEOUT_MS = 60_000;
const newKeyPair = promisify(generateKeyPair);

/** A root of its own: EC P-256, may only sign certificates and lists of revoked ones. */
export async function makeRoot(folder: string, { from, until }: Validity): Promise<KeyAndCertificate> {
  const day = from.toISOString().slice(0, 10);
  return await certify(folder, {
    // Names differ, so that a client that holds two roots never takes one for the other.
    commonName: `Kiln platform CA ${day} ${randomBytes(4).toString('hex')}`,
    validity: { from, until },
    extensions: ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign, cRLSign'],
  });
}

/** A server certificate for these names, signed by `issuer`. */
export async function makeServerCertificate(
  folder: string,
  issuer: KeyAndCertificate,
  names: readonly string[],
  validity: Validity,
): Promise<KeyAndCertificate> {
  const entries = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`);
  return await certify(folder, {
    commonName: names[0] ?? '',
    validity,
    issuer,
    extensions: [
      'basicConstraints = critical, CA:FALSE',
      'keyUsage = critical, digitalSignature',
      'extendedKeyUsage = serverAuth',
      'authorityKeyIdentifier = keyid',
      `subjectAltName = ${entries.join(', ')}`,
    ],
  });
}

interface Wanted {
  readonly commonName: string;
  readonly validity: Validity;
  /** It signs itself unless given. */
  readonly issuer?: KeyAndCertificate;
  readonly extensions: readonly string[];
}

async function certify(folder: string, wanted: Wanted): Promise<KeyAndCertificate> {
  const work = await mkdtemp(join(folder, WORK_PREFIX));
  try {
    const key = await newKey();
    const files = {
      'own.key': key,
      'openssl.cnf': configurationOf(wanted),
      'index.txt': '',
      'issuer.key': wanted.issuer?.key ?? key,
      'issuer.crt': wanted.issuer?.certificate ?? '',
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(work, name), text, { mode: 0o600 });
    }
    await openssl(work, ['req', '-new', '-key', 'own.key', '-out', 'request.pem']);
    await openssl(work, [
      ...['ca', '-batch', '-notext', '-in', 'request.pem', '-out', 'own.crt'],
      ...['-extensions', 'wanted', '-keyfile', 'issuer.key'],
      ...(wanted.issuer === undefined ? ['-selfsign'] : ['-cert', 'issuer.crt']),
      ...['-startdate', opensslTime(wanted.validity.from), '-enddate', opensslTime(wanted.validity.until)],
    ]);
    return { key, certificate: await readFile(join(work, 'own.crt'), 'utf8') };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function newKey(): Promise<string> {
  const { privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' });
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

async function openssl(cwd: string, [command = '', ...args]: readonly string[]): Promise<void> {
  try {
    await mustRun(['openssl', command, '-config', 'openssl.cnf', ...args], { cwd, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (error instanceof CommandError && error.result.exitCode === null && /ENOENT/.test(error.message)) {
      throw new KilnError('program-missing', 'openssl, which makes the certificates of the platform', {
        cause: error,
      });
    }
    throw error;
  }
}

function configurationOf({ commonName, extensions }: Wanted): string {
  return [
    ...['[req]', 'distinguished_name = subject', 'prompt = no', 'utf8 = yes'],
    ...['[subject]', `commonName = ${commonName}`],
    ...['[ca]', 'default_ca = authority'],
    ...[
      '[authority]',
      'database = index.txt',
      'new_certs_dir = .',
      'rand_serial = yes',
      'default_md = sha256',
    ],
    ...['policy = any', 'unique_subject = no', 'email_in_dn = no'],
    ...['[any]', 'commonName = supplied'],
    ...['[wanted]', 'subjectKeyIdentifier = hash', ...extensions, ''],
  ].join('\n');
}

/** As openssl takes times: YYYYMMDDHHMMSSZ. */
function opensslTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`;
}
