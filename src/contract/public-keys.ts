/** Public SSH keys that open the shell of a job. */
import { type Static, Type } from 'typebox';
import { Id, named, Timestamp } from './common.ts';

const fields = {
  name: Type.String({ minLength: 1, description: 'Name for people; need not be unique' }),
  public_key: Type.String({
    minLength: 1,
    description: 'The key as ssh-keygen wrote it, kept byte for byte',
  }),
};

export const PublicKey = named(
  'PublicKey',
  Type.Object(
    { id: Id('Identifier of the key'), created: Timestamp('When the key was registered'), ...fields },
    { additionalProperties: false, description: 'A registered public key' },
  ),
);
export type PublicKey = Static<typeof PublicKey>;

export const PublicKeyCreate = named(
  'PublicKeyCreate',
  Type.Object(fields, { additionalProperties: false, description: 'A public key to register' }),
);
export type PublicKeyCreate = Static<typeof PublicKeyCreate>;

export const PublicKeyUpdate = named(
  'PublicKeyUpdate',
  Type.Object({ name: fields.name }, { additionalProperties: false, description: 'The new name of the key' }),
);
export type PublicKeyUpdate = Static<typeof PublicKeyUpdate>;
