/** The port of this machine by which clients reach a shell on a build node: each connection says whose it is, and goes on. */
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { KilnError } from '../../../contract/errors.ts';
import type { JobDocument } from '../../../contract/runner.ts';
import { listenWithin } from '../../../platform/listen.ts';
import { proxyLine } from '../../../platform/proxy-line.ts';

const KEEP_ALIVE_MS = 30_000;

export interface ShellPort {
  readonly port: number;
  close(): void;
}

type Door = NonNullable<JobDocument['shell']>['door'];

/** `socket`: where ssh takes connections to the shell. Throws `shell-could-not-open` when no port is free. */
export async function openShellPort(door: Door, socket: string): Promise<ShellPort> {
  if ('socket' in door) {
    throw new TypeError('a shell has a port where its clients are');
  }
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const inner = connect(socket);
    for (const each of [client, inner]) {
      sockets.add(each);
      each.once('close', () => sockets.delete(each));
    }
    client.setNoDelay(true);
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    inner.write(proxyLine(client));
    const ended = () => {
      // Either side may go away at any time; the other one ends with it.
    };
    pipeline(client, inner, ended);
    pipeline(inner, client, ended);
  });
  const port = await listenWithin(server, door.listen, { first: door.first_port, last: door.last_port });
  if (port === undefined) {
    const detail = `all ports from ${door.first_port} to ${door.last_port} are in use`;
    throw new KilnError('shell-could-not-open', detail);
  }
  return {
    port,
    close() {
      server.close();
      for (const each of sockets) {
        each.destroy();
      }
    },
  };
}
