/**
 * The package mirror of this host behind a certificate of a test's authority, on an address that builds reach: a sandbox
 * gets out, but not to the loopback of the host.
 */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Authority } from '../../src/packages/authority/index.ts';

export interface Mirror extends AsyncDisposable {
  readonly url: string;
  /** What was asked for: path and program, in order. */
  readonly asked: readonly string[];
}

/** An address of this host that is not a loopback one. Throws when there is none. */
export function outsideAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) {
    throw new Error('this host has no network but its loopback, and a build cannot reach that');
  }
  return found.address;
}

/** The authority has to name `outsideAddress()`. */
export async function startMirror(authority: Authority, upstream: string): Promise<Mirror> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['user-agent']}`);
    fetchWhole(upstream + request.url).then(
      ({ status, body }) => response.writeHead(status, { 'content-length': body.length }).end(body),
      (error: unknown) => {
        asked.push(`${request.url} failed: ${error instanceof Error ? (error.cause ?? error) : error}`);
        response.writeHead(502).end();
      },
    );
  });
  // apt goes on with a connection that has been silent while it unpacked packages.
  server.keepAliveTimeout = 300_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Node's own HTTPS server breaks connections off ("Parse Error: Paused") on which apt asks ahead.
  const sockets = new Set<TLSSocket>();
  const outside = createTlsServer(authority.serverCertificate(), (socket) => {
    sockets.add(socket.setMaxListeners(20).once('close', () => sockets.delete(socket)));
    const inside = connect((server.address() as AddressInfo).port, '127.0.0.1');
    // Who breaks a connection off is told so by what the other side makes of it.
    pipeline(socket, inside, socket).catch(() => inside.destroy());
  });
  await new Promise<void>((resolve) => outside.listen(0, resolve));
  return {
    url: `https://${outsideAddress()}:${(outside.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.closeAllConnections();
      await Promise.all([outside, server].map((each) => new Promise((resolve) => each.close(resolve))));
    },
  };
}

/** The whole file, asked for again when the mirror closes a connection on the way. */
async function fetchWhole(url: string, attempts = 3): Promise<{ status: number; body: Buffer }> {
  try {
    const answer = await fetch(url);
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  } catch (error) {
    if (attempts <= 1) {
      throw error;
    }
    return await fetchWhole(url, attempts - 1);
  }
}
