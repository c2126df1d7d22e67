/** Health and version of the service. */
import { type Static, Type } from 'typebox';
import { named } from './common.ts';

export const Version = named(
  'Version',
  Type.Object(
    { version: Type.String({ description: 'Version of Kiln, as in its package.json' }) },
    { additionalProperties: false, description: 'Version of the service' },
  ),
);
export type Version = Static<typeof Version>;

export const Health = named(
  'Health',
  Type.Object(
    {
      status: Type.Enum(['ok', 'failing'], { description: 'Whether the service can do its work' }),
      checks: Type.Record(Type.String(), Type.String(), {
        description: 'What was looked at; "ok" or what is wrong',
      }),
    },
    { additionalProperties: false, description: 'State of the service' },
  ),
);
export type Health = Static<typeof Health>;
