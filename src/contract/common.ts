/**
 * What every part of the wire shares: identifiers, times, links and the way a schema gets its name in the
 * OpenAPI document. This room imports nothing of Kiln: it is data, published for anybody.
 */
import { type Static, type TSchema, Type } from 'typebox';

/** Gives a schema the `$id` under which the OpenAPI document lists it. */
export function named<T extends TSchema>(id: string, schema: T): T {
  return { ...schema, $id: id };
}

/** `null` as JSON Schema says it, never `nullable: true`. */
export function orNull<T extends TSchema>(schema: T, description: string) {
  return Type.Union([schema, Type.Null()], { description });
}

const UUID_V4 = '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';

export const Id = (description: string) => Type.String({ pattern: UUID_V4, description });
export const Timestamp = (description: string) =>
  Type.String({ format: 'date-time', description: `${description} (RFC 3339, UTC, milliseconds)` });

export const ARCHITECTURES = ['x86_64', 'aarch64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];
export const ArchitectureSchema = Type.Enum([...ARCHITECTURES], {
  description: 'Processor architecture that the image runs on',
});

/** Where an object is: `s3://BUCKET/KEY`, with the etag that the store gave it. */
export const Link = named(
  'Link',
  Type.Object(
    {
      path: Type.String({ pattern: '^s3://[^/]+/.+', description: 'Address of the object: s3://BUCKET/KEY' }),
      type: Type.Literal('s3', { description: 'Kind of store; always s3' }),
      etag: Type.Optional(Type.String({ description: 'Entity tag of the object; empty when unknown' })),
    },
    { additionalProperties: false, description: 'Where an object is kept' },
  ),
);
export type Link = Static<typeof Link>;

export const KeyValue = named(
  'KeyValue',
  Type.Object(
    {
      key: Type.String({ description: 'Name of the value' }),
      value: Type.String({ description: 'The value; always a string' }),
    },
    { additionalProperties: false, description: 'One named value' },
  ),
);
export type KeyValue = Static<typeof KeyValue>;
