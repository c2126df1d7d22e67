/**
 * Answers in the reference's shapes: problem documents of exactly its keys, its two kinds of short message, and
 * its empty answer to a deletion. Also says which of these an error of Kiln becomes.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type ErrorCode, KilnError } from '../contract/errors.ts';
import { jsonList } from '../platform/json-list.ts';
import type { Complaints } from './validation.ts';

const PROBLEM = 'application/problem+json';
const JSON_TYPE = 'application/json';

/** An answer that is no success, ready to be sent. */
export class WireError extends Error {
  readonly status: number;
  readonly type: string;
  readonly body: object;

  constructor(status: number, type: string, body: object, options?: { cause: unknown }) {
    super(JSON.stringify(body), options);
    this.name = 'WireError';
    this.status = status;
    this.type = type;
    this.body = body;
  }
}

export function problem(status: number, detail: string, errors?: Complaints): WireError {
  const title = STATUS_CODES[status] ?? 'Error';
  return new WireError(status, PROBLEM, {
    status,
    title,
    detail,
    ...(errors === undefined ? {} : { errors }),
  });
}

/** The values are understood and not acceptable; every such answer names fields. */
export function unprocessable(detail: string, errors: Complaints): WireError {
  return problem(422, detail, errors);
}

/** The one problem that says what is wrong in its title. */
export function badQuery(title: string): WireError {
  return new WireError(400, PROBLEM, { status: 400, title });
}

/** What the reference's framework says by itself: nothing but a message. */
export function message(status: number, words: string): WireError {
  return new WireError(status, JSON_TYPE, { message: words });
}

export function wrongMethod(): WireError {
  const detail = 'The method is not allowed for the requested URL.';
  return new WireError(405, JSON_TYPE, {
    message: detail,
    status: 405,
    title: STATUS_CODES[405],
    detail,
  });
}

export function unhandled(cause: unknown): WireError {
  const body = { message: STATUS_CODES[500] };
  return new WireError(500, JSON_TYPE, body, { cause });
}

/** The field that a refusal is about, where the sender named the object in one. */
const FIELD_OF: Partial<Record<ErrorCode, string>> = {
  'link-taken': 'link',
  'object-not-found': 'link',
  'bad-bucket': 'link',
  'bad-object-key': 'link',
  'manifest-invalid': 'link',
  'recipe-type-not-supported': 'artifact_id',
};

/** Statuses that differ from those of the native API. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = { 'link-taken': 422 };

/** What an error becomes on this wire. */
export function wireErrorOf(error: unknown): WireError {
  if (error instanceof WireError) {
    return error;
  }
  if (error instanceof KilnError) {
    return ofKilnError(error);
  }
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500 && error instanceof Error
    ? message(status, error.message)
    : unhandled(error);
}

function ofKilnError(error: KilnError): WireError {
  const status = STATUS_OF[error.code] ?? error.entry.status;
  if (status >= 500) {
    return unhandled(error);
  }
  if (status !== 422) {
    return problem(status, error.message);
  }
  const words = [error.message, ...error.items.map((item) => item.message)];
  return unprocessable(error.message, { [FIELD_OF[error.code] ?? '_schema']: words });
}

export function sendError(reply: FastifyReply, error: WireError): FastifyReply {
  return reply.code(error.status).type(error.type).serializer(JSON.stringify).send(error.body);
}

export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return reply.code(status).type(JSON_TYPE).serializer(JSON.stringify).send(value);
}

/** A list that may be long. */
export async function sendList<T>(
  reply: FastifyReply,
  records: AsyncIterable<T>,
  present: (record: T) => object,
): Promise<FastifyReply> {
  const list = await jsonList(records, present);
  // As bytes: Fastify adds a charset to the type of what is text.
  const body = typeof list === 'string' ? Buffer.from(list) : list;
  return reply.code(200).type(JSON_TYPE).send(body);
}

/** The answer to every deletion and undeletion. Set on the raw answer: Fastify takes the type off one without body. */
export function sendNothing(reply: FastifyReply): FastifyReply {
  reply.raw.setHeader('content-type', JSON_TYPE);
  return reply.code(204).send();
}
