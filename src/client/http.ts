/** Requests to the service: JSON out, JSON in, and problem documents as errors. */
import { Check } from 'typebox/value';
import { KilnError } from '../contract/errors.ts';
import { errorOf, Problem } from '../contract/problem.ts';

export interface HttpClient {
  /** The body of a successful answer; undefined when it is empty. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The answer itself, for streams. Throws the error that a problem document tells of. */
  send(method: string, path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
}

/** `fetch`: the one of Node.js unless given. */
export function createHttpClient(baseUrl: string, fetch = globalThis.fetch): HttpClient {
  const base = baseUrl.replace(/\/+$/, '');

  const send: HttpClient['send'] = async (method, path, init = {}) => {
    let response: Response;
    try {
      response = await fetch(base + path, { ...init, method });
    } catch (cause) {
      if (init.signal?.aborted) {
        throw cause;
      }
      throw new KilnError('server-unreachable', `${base}: ${reasonOf(cause)}`, { cause });
    }
    if (!response.ok) {
      throw await failureOf(response, `${method} ${base}${path}`);
    }
    return response;
  };

  return {
    send,
    async json<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await send(
        method,
        path,
        body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
      );
      const text = await response.text();
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
  };
}

async function failureOf(response: Response, request: string): Promise<KilnError> {
  const text = await response.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (Check(Problem, problem)) {
      return errorOf(problem);
    }
  } catch {
    // Not JSON: something between us and the service answered. What it said is shown as it is.
  }
  return new KilnError('internal-error', `${request}: ${response.status} ${text.slice(0, 500)}`);
}

/** Node's fetch says only "fetch failed"; what failed is in the cause. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) {
    return error.cause.message === '' ? String(error.cause) : error.cause.message;
  }
  return error instanceof Error ? error.message : String(error);
}
