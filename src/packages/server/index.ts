/**
 * The package server: HTTPS for nodes at an address of its own, and for builds through connections that their
 * runners make to the service. Both end in the same handler; only builds have a job.
 */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { KilnError } from '../../contract/errors.ts';
import type { Log } from '../../platform/log.ts';
import { createHandler, type HandlerDeps } from './handler.ts';

export interface ServerCertificate {
  /** PEM, with the chain. */
  readonly cert: string;
  readonly key: string;
}

export interface PackageServer {
  /** Gives the port. Throws `config-invalid` when the address cannot be had. */
  listen(host: string, port: number): Promise<number>;
  /** Serves a build over a connection that its runner has made; TLS begins now. */
  acceptBuild(socket: Duplex, jobId: string): void;
  /** For all connections from now on. */
  setCertificate(certificate: ServerCertificate): void;
  close(): Promise<void>;
}

export function createPackageServer(
  deps: Omit<HandlerDeps, 'jobOf'> & { readonly log: Log },
  certificate: ServerCertificate,
): PackageServer {
  const jobs = new WeakMap<object, string>();
  const handle = createHandler({ ...deps, jobOf: (request: IncomingMessage) => jobs.get(request.socket) });
  const http = createHttpServer((request, response) => void handle(request, response));
  let context: SecureContext = createSecureContext(certificate);
  const tls = createTlsServer({ SNICallback: (_name, done) => done(null, context), ...certificate });
  const open = new Set<Duplex>();
  const take = (socket: TLSSocket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    http.emit('connection', socket);
    // Node.js reads TLS past its own streams then, and takes requests that a client sent ahead while it was not read
    // for errors ("Parse Error: Paused"). Whoever listens to the data himself brings it back to the streams.
    socket.on('data', () => {});
  };
  tls.on('secureConnection', take);
  tls.on('tlsClientError', (error) => deps.log.debug({ err: error }, 'a client of packages broke off'));

  return {
    async listen(host, port) {
      await new Promise<void>((resolve, reject) => {
        tls.once('error', (cause) =>
          reject(
            new KilnError('config-invalid', `packages cannot be served at ${host}:${port}: ${cause.message}`),
          ),
        );
        tls.listen({ host, port }, resolve);
      });
      return (tls.address() as AddressInfo).port;
    },

    acceptBuild(socket, jobId) {
      const secure = new TLSSocket(socket as Socket, { isServer: true, secureContext: context });
      secure.on('error', (error) => {
        deps.log.debug({ err: error, job: jobId }, 'a build broke off its connection');
        socket.destroy();
      });
      jobs.set(secure, jobId);
      take(secure);
    },

    setCertificate(next) {
      context = createSecureContext(next);
      tls.setSecureContext(next);
    },

    async close() {
      const closed = new Promise((resolve) => tls.close(resolve));
      for (const socket of open) {
        socket.destroy();
      }
      if (tls.listening) {
        await closed;
      }
    },
  };
}
