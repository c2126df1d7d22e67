/** The stream of everything that changes. */
import { type Static, Type } from 'typebox';
import { named, Timestamp } from './common.ts';

export const CHANGED_NOUNS = ['image', 'recipe', 'public_key', 'job', 'node'] as const;
export type ChangedNoun = (typeof CHANGED_NOUNS)[number];

/** `deleted` can be had back, `purged` is gone for good. */
export const CHANGE_KINDS = ['created', 'updated', 'deleted', 'undeleted', 'purged'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export const ChangeEvent = named(
  'ChangeEvent',
  Type.Object(
    {
      sequence: Type.Integer({
        minimum: 1,
        description: 'Number of the change; later ones have higher numbers',
      }),
      at: Timestamp('When it was made'),
      noun: Type.Enum([...CHANGED_NOUNS], { description: 'Kind of record' }),
      id: Type.String({ description: 'Identifier of the record' }),
      kind: Type.Enum([...CHANGE_KINDS], { description: 'What became of it' }),
    },
    { additionalProperties: false, description: 'One change of one record' },
  ),
);
export type ChangeEvent = Static<typeof ChangeEvent>;
