/** The JSON body of a request, parsed once at the edge into the type that the handler works with. */
import type { FastifyRequest } from 'fastify';
import { message, problem, unprocessable } from './answers.ts';
import { Invalid, isObject, NOT_AN_OBJECT, type Reader } from './validation.ts';

const INVALID = 'Input data was understood, but failed validation; "errors" names the fields.';

/** Throws the answer that the reference gives to a body that it cannot use. */
export function readBody<T>(request: FastifyRequest, read: Reader<T>): T {
  const value = parse(request);
  if (isFalsy(value)) {
    throw problem(400, 'No input was provided. Send the fields of the record as a JSON object.');
  }
  if (!isObject(value)) {
    throw unprocessable(INVALID, NOT_AN_OBJECT);
  }
  try {
    return read(value);
  } catch (error) {
    throw error instanceof Invalid ? unprocessable(INVALID, error.complaints) : error;
  }
}

function parse(request: FastifyRequest): unknown {
  if (!isJson(request.headers['content-type'])) {
    throw message(
      415,
      "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
    );
  }
  try {
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw message(400, `The body cannot be read as JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function isJson(contentType: string | undefined): boolean {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'));
}

/** Empty in the sense of Python: nothing, zero, or without members. */
function isFalsy(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}
