/** The certificate authority of the platform: what builds and images trust, and what the package server shows. */
import { type Static, Type } from 'typebox';
import { named, orNull, Timestamp } from './common.ts';

const certificate = {
  subject: Type.String({ description: 'Its distinguished name' }),
  sha256_fingerprint: Type.String({ description: 'SHA-256 of the certificate, lower case hex' }),
  not_before: Timestamp('When it begins to be valid'),
  not_after: Timestamp('When it ends to be valid'),
};

export const AuthorityRoot = named(
  'AuthorityRoot',
  Type.Object(
    {
      id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'First 16 digits of its fingerprint' }),
      role: Type.Enum(['current', 'next', 'previous', 'given'], {
        description:
          'current signs the server certificate; given does, and comes from the settings; next will, once it is activated; previous did',
      }),
      ...certificate,
      pem: Type.String({ description: 'The certificate, and the others of its file when it was given' }),
    },
    { additionalProperties: false, description: 'A root certificate of the platform' },
  ),
);
export type AuthorityRoot = Static<typeof AuthorityRoot>;

export const Authority = named(
  'Authority',
  Type.Object(
    {
      roots: Type.Array(AuthorityRoot, { description: 'The roots, that which signs first; all are trusted' }),
      also_trusted: Type.Array(
        Type.Object(certificate, {
          additionalProperties: false,
          description: 'A certificate of trust.ca_file',
        }),
        { description: 'What builds and images trust besides: the certificates of trust.ca_file' },
      ),
      server_certificate: Type.Object(
        {
          ...certificate,
          names: Type.Array(Type.String(), { description: 'Names and addresses that it is good for' }),
          root_id: orNull(Type.String(), 'Root that signed it; null when packages.certificate_file gives it'),
        },
        { additionalProperties: false, description: 'The certificate of the package server' },
      ),
    },
    { additionalProperties: false, description: 'The certificate authority of the platform' },
  ),
);
export type Authority = Static<typeof Authority>;
