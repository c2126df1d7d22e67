/** What the authority shows of itself at one moment: certificates to trust, the server's own, and how both are described. */
import { X509Certificate } from 'node:crypto';
import type { Authority as AuthorityDescription, AuthorityRoot } from '../../contract/authority.ts';
import { KilnError } from '../../contract/errors.ts';
import { timestamp } from '../../platform/clock.ts';
import type { AuthorityFiles } from './files.ts';
import type { Given } from './given.ts';
import { certificatesIn, factsOf, withoutRepeats } from './pem.ts';
import { needed } from './settle.ts';
import { certificateFile, keyFile, type Root, type State } from './state.ts';

export interface ServerCertificate {
  /** PEM, the server's own first, then those between it and a root. */
  readonly cert: string;
  readonly key: string;
}

export interface AuthorityView {
  readonly trusted: readonly string[];
  readonly server: ServerCertificate;
  readonly description: AuthorityDescription;
}

const ORDER: readonly Root['role'][] = ['current', 'given', 'next', 'previous'];

export async function viewOf(files: AuthorityFiles, state: State, given: Given): Promise<AuthorityView> {
  const roots: AuthorityRoot[] = [];
  for (const role of ORDER) {
    for (const { id } of state.roots.filter((root) => root.role === role)) {
      const pem = await needed(files, certificateFile('root', id));
      roots.push({ id, role, ...described(pem), pem });
    }
  }
  const server = await serverOf(files, state, given);
  return {
    trusted: withoutRepeats([...roots.flatMap(({ pem }) => certificatesIn(pem)), ...given.trusted]),
    server,
    description: {
      roots,
      also_trusted: given.trusted.map(described),
      server_certificate: {
        ...described(server.cert),
        names: namesOf(server.cert),
        root_id: state.server?.issuer ?? null,
      },
    },
  };
}

async function serverOf(files: AuthorityFiles, { server }: State, given: Given): Promise<ServerCertificate> {
  if (given.server !== undefined) {
    return { cert: given.server.certificate, key: given.server.key };
  }
  if (server === null) {
    throw new KilnError('internal-error', 'the authority has no server certificate');
  }
  return {
    cert: await needed(files, certificateFile('server', server.id)),
    key: await needed(files, keyFile('server', server.id)),
  };
}

function described(pem: string) {
  const { subject, fingerprint, notBefore, notAfter } = factsOf(pem);
  return {
    subject,
    sha256_fingerprint: fingerprint,
    not_before: timestamp(notBefore),
    not_after: timestamp(notAfter),
  };
}

function namesOf(pem: string): string[] {
  const names = new X509Certificate(pem).subjectAltName ?? '';
  return names
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '');
}
