/** What an operation answers; `index.ts` sends it. */
import type { Readable } from 'node:stream';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** XML, data, or work that takes so long that the client has to hear of it meanwhile. */
  readonly body?: string | Readable | LongWork;
}

/** Gives an XML document, also when it failed. */
export interface LongWork {
  finish(): Promise<string>;
}

export function xml(body: string, headers: Answer['headers'] = {}): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

export const nothing: Answer = { status: 204 };
