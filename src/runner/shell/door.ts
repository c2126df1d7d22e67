/**
 * The door of a shell: a port of this host whose connections are handed on to sshd in the sandbox. It knows who came from
 * where and when, and when something last went through.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { ShellConnection } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';

/** Linux: a descriptor that only names the file. Node.js has no constant for it. */
const O_PATH = 0o10000000;
/** Connections that are remembered; the oldest ones are forgotten first. */
const REMEMBERED = 1_000;

export interface DoorOptions {
  /** Address to listen on. */
  readonly listen: string;
  readonly firstPort: number;
  readonly lastPort: number;
  /** Unix socket of sshd, which the sandbox has made. */
  readonly socket: string;
  readonly clock: Clock;
}

export interface Door {
  readonly port: number;
  connections(): ShellConnection[];
  /** Milliseconds since the epoch. */
  lastActivity(): number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Throws `shell-could-not-open` when no port is free. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { clock } = options;
  // The sandbox could put something else in the place of its socket: this descriptor goes on naming the first one.
  const target = await open(options.socket, O_PATH | constants.O_NOFOLLOW);
  const connections: ShellConnection[] = [];
  const sockets = new Set<Socket>();
  let activity = clock.now().getTime();
  const touch = () => {
    activity = clock.now().getTime();
  };

  const server = createServer((client) => {
    touch();
    const entry = {
      from: `${client.remoteAddress}:${client.remotePort}`,
      connected: timestamp(clock.now()),
      disconnected: null,
    };
    connections.push(entry);
    connections.splice(0, connections.length - REMEMBERED);
    const inner = connect(`/proc/self/fd/${target.fd}`);
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.on('data', touch);
      socket.on('close', () => sockets.delete(socket));
    }
    client.setNoDelay(true);
    client.once('close', () => {
      const index = connections.indexOf(entry);
      if (index >= 0) {
        connections[index] = { ...entry, disconnected: timestamp(clock.now()) };
      }
    });
    const ended = () => {
      // Either side may go away at any time; the other one ends with it.
    };
    pipeline(client, inner, ended);
    pipeline(inner, client, ended);
  });
  const port = await listenWithin(server, options, target);
  return {
    port,
    connections: () => [...connections],
    lastActivity: () => activity,
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await target.close();
    },
  };
}

async function listenWithin(
  server: Server,
  { listen, firstPort, lastPort }: DoorOptions,
  target: FileHandle,
): Promise<number> {
  for (let port = firstPort; port <= lastPort; port += 1) {
    const problem = await tryToListen(server, listen, port);
    if (problem === undefined) {
      return port;
    }
    if (problem.code !== 'EADDRINUSE') {
      await target.close();
      throw new KilnError('shell-could-not-open', `${listen}:${port}: ${problem.message}`, {
        cause: problem,
      });
    }
  }
  await target.close();
  throw new KilnError('shell-could-not-open', `all ports from ${firstPort} to ${lastPort} are in use`);
}

function tryToListen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen({ host, port }, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
  });
}
