/**
 * One address of the wire with all that the reference answers there: its own methods, HEAD and OPTIONS by itself,
 * and 405 in the reference's words to the rest.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problem, type WireError, wrongMethod } from './answers.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof METHODS)[number];

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Not in Kiln's own API description: this wire is described by the reference. */
const HIDDEN = { schema: { hide: true } };

export function resource(
  app: FastifyInstance,
  url: string,
  handlers: Partial<Record<Method, Handler>>,
  options: {
    /** What is answered to methods that there are not. */
    refusal?: () => WireError;
    /** The methods themselves are somebody else's; only the rest is answered here. */
    isElsewhere?: boolean;
  } = {},
): void {
  const { refusal = wrongMethod, isElsewhere = false } = options;
  const allowed = METHODS.filter((method) => handlers[method] !== undefined);
  const refused = METHODS.filter((method) => handlers[method] === undefined);
  const allow = [...allowed, ...(handlers.GET === undefined ? [] : ['HEAD']), 'OPTIONS'].join(', ');
  for (const [method, handler] of isElsewhere ? [] : Object.entries(handlers)) {
    app.route({ ...HIDDEN, method, url, handler });
  }
  app.route({
    ...HIDDEN,
    method: 'OPTIONS',
    url,
    handler: async (_request, reply) => reply.header('allow', allow).send(''),
  });
  app.route({
    ...HIDDEN,
    method: refused,
    url,
    handler: async (_request, reply) => {
      void reply.header('allow', allow);
      throw refusal();
    },
  });
  // With a slash at its end it is another address, and none that there is.
  nothingAt(app, `${url}/`);
}

/** Nothing is at this address, and the reference's clients are told so in their own shape. */
export function nothingAt(app: FastifyInstance, url: string): void {
  app.all(url, HIDDEN, async (request) => {
    throw problem(404, `There is nothing at ${new URL(request.url, 'http://kiln').pathname}.`);
  });
}

/** Path parameters are compared as text: a malformed id is merely unknown. */
export function parameter(request: FastifyRequest, name: string): string {
  return String((request.params as Record<string, unknown>)[name] ?? '');
}

/** All values of a query parameter, in the order in which they were sent. */
export function queryValues(request: FastifyRequest, name: string): string[] {
  const query = request.query as Record<string, string | string[] | undefined>;
  const values = Object.hasOwn(query, name) ? query[name] : undefined;
  return values === undefined ? [] : [values].flat();
}

/** `?cascade=` of a hard delete: true when it is not there, and in the spellings that the reference knows. */
export function cascadeOf(request: FastifyRequest): boolean {
  const [word] = queryValues(request, 'cascade');
  return word === undefined || ['true', 'yes', 't', '1'].includes(word.toLowerCase());
}
