/**
 * Validation of requests. Bodies and path parameters are taken as they are: a field that nobody knows is a mistake
 * of the sender, not something to drop, and "3" is no number. Query strings and headers are text, so there numbers
 * are read out of it.
 */
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';

const OPTIONS = { allErrors: true, removeAdditional: false, useDefaults: true, strict: false } as const;

const exact = new Ajv({ ...OPTIONS, coerceTypes: false });
// A parameter that may be repeated is a list with one entry when it is not.
const reading = new Ajv({ ...OPTIONS, coerceTypes: 'array' });
for (const ajv of [exact, reading]) {
  addFormats.default(ajv);
}

export function compileValidator({ schema, httpPart }: { schema: unknown; httpPart?: string }) {
  const ajv = httpPart === 'querystring' || httpPart === 'headers' ? reading : exact;
  return ajv.compile(anonymous(schema) as object);
}

/** A schema that several routes use is compiled for each: its name would clash with itself. */
function anonymous(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(anonymous);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) =>
      key === '$id' && typeof value === 'string' ? [] : [[key, anonymous(value)]],
    ),
  );
}
