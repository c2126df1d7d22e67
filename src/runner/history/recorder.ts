/**
 * Records the sessions of a shell: listens for what session.py tells of each as it happens, notes who it was, and writes what a
 * terminal shows to a file. All of that is in a folder that nothing in the sandbox can write to. A record that cannot be kept
 * is no reason for a shell to end.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type JobSessions, RECORDING_BYTES, RECORDINGS, type Session } from '../../contract/history.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import { type Cast, createCast } from './asciicast.ts';
import { recordingFile } from './record-folder.ts';
import { type Frame, readSession, type ToldSession } from './session-frames.ts';
import { openSessionNotes } from './session-notes.ts';

/** Name of the socket in its folder, as recorder.py has it. */
const SOCKET = 'record.sock';
const MAX_CONNECTIONS = 256;
/** Clients that are known; those that left longest ago are forgotten first. */
const REMEMBERED = 1_000;
const LAST_WORDS_MS = 5_000;

export interface RecorderOptions {
  /** For the socket: the sandbox has this folder read-only. */
  readonly socketFolder: string;
  /** For the record: the sandbox does not have this one. */
  readonly folder: string;
  /** What the recordings are of, for people. */
  readonly title: string;
  readonly clock: Clock;
  /** Takes the secrets that the job was given out of what is noted and shown, where they are whole. */
  mask(text: string): string;
  log(text: string): void;
  /** A session began or ended. */
  onChange(): void;
  /** How long the end waits for what is still on its way; for tests. */
  readonly lastWordsMs?: number;
}

export interface Recorder {
  /** A client came; sessions of a connection that was not announced are not believed. */
  connected(connection: number, from: string): void;
  disconnected(connection: number): void;
  sessions(): JobSessions;
  /** Settles when all that was told is written. To be called when nobody is left in the shell. */
  close(): Promise<void>;
}

interface Client {
  readonly from: string;
  /** When it went; null while it is there. */
  left: string | null;
  /** Those without a terminal: they end with it. */
  readonly sessions: number[];
}

export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const { clock, folder } = options;
  const notes = await openSessionNotes(folder);
  const clients = new Map<number, Client>();
  const serving = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  let recordings = Math.max(0, ...notes.list().sessions.map(({ recording }) => recording ?? 0));

  async function ended(sessions: readonly number[], at = timestamp(clock.now())): Promise<void> {
    for (const number of sessions) {
      await notes.ended(number, at);
    }
    if (sessions.length > 0) {
      options.onChange();
    }
  }

  async function serve(socket: Socket): Promise<void> {
    const stream = await readSession(socket);
    const client = stream === undefined ? undefined : clients.get(stream.told.connection);
    if (stream === undefined || client === undefined) {
      return;
    }
    const started = clock.now();
    const recording = stream.told.terminal === null || recordings >= RECORDINGS ? null : ++recordings;
    const session = await notes.began(
      masked(sessionOf(stream.told, client.from, timestamp(started), recording)),
    );
    options.onChange();
    if (stream.told.terminal === null) {
      client.sessions.push(session);
      if (client.left !== null) {
        await ended([session], client.left);
      }
      return;
    }
    try {
      await record(stream.told.terminal, stream.frames, client.from, recording, started);
    } finally {
      await ended([session]);
    }
  }

  function masked(session: Session): Session {
    const { command } = session;
    return command === null ? session : { ...session, command: options.mask(command) };
  }

  async function record(
    terminal: NonNullable<ToldSession['terminal']>,
    frames: AsyncIterable<Frame>,
    from: string,
    recording: number | null,
    started: Date,
  ): Promise<void> {
    const title = `${options.title}: ${from}, ${timestamp(started)}`;
    const cast = createCast({ ...terminal, title }, started.getTime(), RECORDING_BYTES, options.mask);
    const now = () => clock.now().getTime();
    const file = recording === null ? undefined : await fileOf(recording);
    await file?.write(cast.header);
    try {
      // They are read to their end in any case, as nobody is to wait for them to be taken.
      for await (const frame of frames) {
        await file?.write(linesOf(cast, frame, now()));
      }
    } finally {
      await file?.write(cast.end(now()));
      await file?.close();
    }
  }

  /** A file that takes what there is room for: a disk that is full ends the recording alone. */
  async function fileOf(recording: number) {
    let handle: FileHandle | undefined;
    const attempt = async (work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        options.log(`Recording ${recording} ends: ${error instanceof Error ? error.message : String(error)}`);
        await handle?.close();
        handle = undefined;
      }
    };
    await attempt(async () => {
      handle = await open(join(folder, recordingFile(recording)), 'wx', 0o600);
    });
    return {
      write: (text: string) =>
        attempt(async () => (text === '' ? undefined : await handle?.appendFile(text))),
      close: () => attempt(async () => await handle?.close()),
    };
  }

  const server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    const served = serve(socket)
      .catch((error: unknown) => options.log(`A session is not recorded any more: ${String(error)}`))
      .finally(() => {
        socket.destroy();
        serving.delete(served);
      });
    serving.add(served);
  });
  server.maxConnections = MAX_CONNECTIONS;
  // The path of the folder may be longer than that of a socket can be.
  const parent = await open(options.socketFolder);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      { path: `/proc/self/fd/${parent.fd}/${SOCKET}`, readableAll: true, writableAll: true },
      resolve,
    );
  });

  return {
    connected(connection, from) {
      clients.set(connection, { from, left: null, sessions: [] });
      const [oldest] = [...clients.entries()].find(([, { left }]) => left !== null) ?? [];
      if (clients.size > REMEMBERED && oldest !== undefined) {
        clients.delete(oldest);
      }
    },
    disconnected(connection) {
      const client = clients.get(connection);
      if (client !== undefined) {
        // It stays for a while: what a short session told of itself may still be on its way.
        client.left = timestamp(clock.now());
        ended(client.sessions, client.left).catch((error: unknown) =>
          options.log(`A session has no end: ${String(error)}`),
        );
      }
    },
    sessions: () => notes.list(),
    async close() {
      await settledWithin([...serving], options.lastWordsMs ?? LAST_WORDS_MS);
      for (const socket of sockets) {
        socket.destroy();
      }
      await Promise.all(serving);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await parent.close();
    },
  };
}

function sessionOf(told: ToldSession, from: string, started: string, recording: number | null): Session {
  const { key, command, terminal } = told;
  return { from, key, started, ended: null, command, terminal: terminal !== null, recording };
}

function linesOf(cast: Cast, frame: Frame, atMs: number): string {
  switch (frame.kind) {
    case 'output':
      return cast.output(frame.data, atMs);
    case 'resize':
      return cast.resized(frame.columns, frame.rows, atMs);
    case 'cut':
      return cast.cut(atMs);
  }
}

async function settledWithin(work: readonly Promise<unknown>[], ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.allSettled(work), late]);
  clearTimeout(timer);
}
