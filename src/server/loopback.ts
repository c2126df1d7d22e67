/**
 * Without authentication the service is for the users of this machine alone: it listens on loopback, and it
 * answers only requests that name a loopback host, so that no web page reaches it by a name of its own choice.
 */

import type { FastifyInstance } from 'fastify';
import { KilnError } from '../contract/errors.ts';

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/;

/** Throws `config-invalid` for an address that others could reach. */
export function assertLoopback(host: string): void {
  if (!LOOPBACK.test(host)) {
    throw new KilnError(
      'config-invalid',
      `server.host is ${host}; without authentication the service listens on a loopback address only, such as 127.0.0.1`,
    );
  }
}

export function installHostCheck(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!LOOPBACK.test(host)) {
      throw new KilnError('unauthorized', `this service answers on loopback names only, not on "${host}"`);
    }
  });
}
