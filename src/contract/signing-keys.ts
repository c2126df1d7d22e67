/** Signing keys: OpenPGP keys that packages and repositories of builds are verified with. */
import { type Static, Type } from 'typebox';
import { Id, named, orNull, Timestamp } from './common.ts';

const name = Type.String({ minLength: 1, maxLength: 200, description: 'Name for people' });

export const SigningKey = named(
  'SigningKey',
  Type.Object(
    {
      id: Id('Identifier of the key'),
      created: Timestamp('When the key was registered'),
      name,
      fingerprint: Type.String({ description: 'Fingerprint of the primary key, hexadecimal, upper case' }),
      key_ids: Type.Array(Type.String(), {
        description: 'Ids of the key and its subkeys, as package managers name them',
      }),
      users: Type.Array(Type.String(), { description: 'Who the key says it belongs to' }),
      algorithm: Type.String({ description: 'Kind and size, for example rsaEncryptSign 4096' }),
      made: Timestamp('When the key itself was made'),
      expires: orNull(Timestamp('Expiry'), 'When it stops being good; null for never'),
      public_key: Type.String({ description: 'The key, armored' }),
    },
    { additionalProperties: false, description: 'A key that builds verify packages with' },
  ),
);
export type SigningKey = Static<typeof SigningKey>;

export const SigningKeyCreate = named(
  'SigningKeyCreate',
  Type.Object(
    {
      name: Type.Optional(name),
      public_key: Type.String({
        minLength: 1,
        maxLength: 1_000_000,
        description: 'One public key, armored, or binary in base64',
      }),
    },
    { additionalProperties: false, description: 'A key to register' },
  ),
);
export type SigningKeyCreate = Static<typeof SigningKeyCreate>;
