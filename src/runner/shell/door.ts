/**
 * The door of a shell: a port of this host, or a socket where others hand connections on, from which they go to sshd in the
 * sandbox. It knows who came from where and when.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { ShellConnection } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import { listenWithin } from '../../platform/listen.ts';
import { takeProxyLine } from '../../platform/proxy-line.ts';

/** Linux: a descriptor that only names the file. Node.js has no constant for it. */
const O_PATH = 0o10000000;
const KEEP_ALIVE_MS = 30_000;
/** Connections that are remembered; the oldest ones are forgotten first. */
const REMEMBERED = 1_000;
/** Digits of the number that comes first on each connection, as open_shell.py has it. */
const NUMBER_DIGITS = 8;

export interface DoorOptions {
  readonly place: NonNullable<JobDocument['shell']>['door'];
  /** Unix socket of sshd, which the sandbox has made. */
  readonly socket: string;
  readonly clock: Clock;
  /** Told of each client, with the number that sshd is told too. */
  readonly onConnected: (connection: number, from: string) => void;
  readonly onDisconnected: (connection: number) => void;
}

export interface Door {
  readonly port: number;
  connections(): ShellConnection[];
  /** When somebody last came or went, in ms since the epoch. */
  lastChange(): number;
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
  let lastChange = clock.now().getTime();
  let count = 0;

  function handOn(client: Socket, from: string): void {
    lastChange = clock.now().getTime();
    count += 1;
    const number = count;
    const entry = {
      from,
      connected: timestamp(clock.now()),
      disconnected: null,
    };
    connections.push(entry);
    connections.splice(0, connections.length - REMEMBERED);
    options.onConnected(number, from);
    const inner = connect(`/proc/self/fd/${target.fd}`);
    inner.write(String(number).padStart(NUMBER_DIGITS, '0'));
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    client.setNoDelay(true);
    // A client whose machine is gone says nothing any more; the kernel asks it.
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    client.once('close', () => {
      options.onDisconnected(number);
      lastChange = clock.now().getTime();
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
  }

  const isSocket = 'socket' in options.place;
  const server = createServer({ pauseOnConnect: isSocket }, (client) => {
    if (!isSocket) {
      handOn(client, `${client.remoteAddress}:${client.remotePort}`);
      return;
    }
    client.on('error', () => client.destroy());
    takeProxyLine(client).then(
      (from) => handOn(client, from),
      () => client.destroy(),
    );
  });
  const port = await listen(server, options).catch(async (error: unknown) => {
    await target.close();
    throw error;
  });
  return {
    port,
    connections: () => [...connections],
    lastChange: () => lastChange,
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await target.close();
    },
  };
}

async function listen(server: Server, { place }: DoorOptions): Promise<number> {
  try {
    if ('socket' in place) {
      await new Promise<void>((resolve, reject) =>
        server.once('error', reject).listen(place.socket, resolve),
      );
      return place.port;
    }
    const [first, last] = [place.first_port, place.last_port];
    const port = await listenWithin(server, place.listen, { first, last });
    if (port !== undefined) {
      return port;
    }
    throw new KilnError('shell-could-not-open', `all ports from ${first} to ${last} are in use`);
  } catch (cause) {
    if (cause instanceof KilnError) {
      throw cause;
    }
    throw new KilnError('shell-could-not-open', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
