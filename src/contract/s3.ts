/** Access to the object store over the protocol of S3. */
import { type Static, Type } from 'typebox';
import { named, Timestamp } from './common.ts';

export const S3CredentialsCreate = named(
  'S3CredentialsCreate',
  Type.Object(
    {
      hours: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 8760,
          default: 12,
          description: 'How long the keys are good, in hours',
        }),
      ),
    },
    { additionalProperties: false, description: 'Keys to make' },
  ),
);
export type S3CredentialsCreate = Static<typeof S3CredentialsCreate>;

export const S3Credentials = named(
  'S3Credentials',
  Type.Object(
    {
      endpoint: Type.String({
        description: 'Address of the S3 protocol; clients use path-style addresses below it',
      }),
      region: Type.String({ description: 'Region to name; any will do' }),
      access_key_id: Type.String({ description: 'Access key' }),
      secret_access_key: Type.String({ description: 'Secret key; it is not kept and not shown again' }),
      session_token: Type.String({
        description: 'Token that some clients want; requests are good without it',
      }),
      expires: Timestamp('When the keys stop working'),
    },
    { additionalProperties: false, description: 'Keys for the S3 protocol of this service' },
  ),
);
export type S3Credentials = Static<typeof S3Credentials>;
