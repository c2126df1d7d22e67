import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RECORDINGS } from '../../contract/history.ts';
import { systemClock } from '../../platform/clock.ts';
import { waitFor } from '../../platform/wait.ts';
import { openRecorder, type Recorder } from './recorder.ts';

let base: string;
let said: string[];
let recorder: Recorder;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'kiln-recorder-'));
  said = [];
  recorder = await open();
});
afterEach(async () => {
  await recorder.close();
  await rm(base, { recursive: true, force: true });
});

async function open(): Promise<Recorder> {
  const folders = { folder: join(base, 'record'), socketFolder: join(base, 'socket') };
  await rm(folders.socketFolder, { recursive: true, force: true });
  for (const folder of Object.values(folders)) {
    await mkdir(folder, { recursive: true });
  }
  const log = (text: string) => void said.push(text);
  const mask = (text: string) => text.replaceAll('hunter2', '***');
  const onChange = () => {};
  return openRecorder({
    ...folders,
    title: 'test',
    clock: systemClock,
    mask,
    log,
    onChange,
    lastWordsMs: 200,
  });
}

const TERMINAL = { columns: 80, rows: 24, type: 'xterm' };

/** What recorder.py does. */
async function tell(also: object = {}): Promise<Socket> {
  const socket = connect(join(base, 'socket', 'record.sock'));
  await once(socket, 'connect');
  const told = { connection: 1, key: 'SHA256:abc', command: null, terminal: TERMINAL, ...also };
  socket.write(`${JSON.stringify(told)}\n`);
  return socket;
}

function output(socket: Socket, text: string): void {
  const head = Buffer.alloc(5);
  head.write('o');
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  socket.write(Buffer.concat([head, Buffer.from(text)]));
}

async function noted(count: number, ended = 0): Promise<void> {
  const isSo = () => {
    const { sessions } = recorder.sessions();
    return sessions.length === count && sessions.filter((each) => each.ended !== null).length === ended;
  };
  await waitFor(() => (isSo() ? true : undefined), {
    timeoutMs: 10_000,
    describe: () => `${count} sessions, ${ended} ended: ${JSON.stringify(recorder.sessions())}; ${said}`,
  });
}

const castOf = (number: number) => readFile(join(base, 'record', `${number}.cast`), 'utf8');

it('writes what terminals show, and notes who that was', async () => {
  recorder.connected(1, '192.0.2.1:4000');
  const socket = await tell();
  output(socket, 'hello hunter2');
  await noted(1);
  socket.end();
  await noted(1, 1);
  expect(recorder.sessions().sessions[0]).toMatchObject({
    from: '192.0.2.1:4000',
    key: 'SHA256:abc',
    command: null,
    terminal: true,
    recording: 1,
  });
  const [header, event] = (await castOf(1)).split('\n');
  expect(JSON.parse(header ?? '')).toMatchObject({ version: 2, width: 80, height: 24 });
  expect(JSON.parse(event ?? '')).toEqual([expect.any(Number), 'o', 'hello ***']);
});

it('notes commands without a terminal, which end with their connection', async () => {
  recorder.connected(1, '192.0.2.1:4000');
  (await tell({ terminal: null, command: 'scp -t /hunter2' })).end();
  await noted(1);
  recorder.disconnected(1);
  await noted(1, 1);
  // A short one may be told of when its client is gone already.
  (await tell({ terminal: null, command: 'true' })).end();
  await noted(2, 2);
  expect(recorder.sessions().sessions.map(({ command, recording }) => [command, recording])).toEqual([
    ['scp -t /***', null],
    ['true', null],
  ]);
});

it('believes no session of a connection that there was not', async () => {
  const socket = await tell({ connection: 7 });
  await once(socket.resume(), 'close');
  (await tell({ connection: 0 })).on('error', () => {});
  await waitFor(() => said[0], { timeoutMs: 10_000, describe: () => 'a line about it' });
  expect(recorder.sessions().sessions).toEqual([]);
});

it('keeps so many recordings and no more, over those of an earlier job', async () => {
  recorder.connected(1, 'a');
  for (let index = 1; index < RECORDINGS; index += 1) {
    (await tell()).end();
    await noted(index, index);
  }
  await recorder.close();
  recorder = await open();
  recorder.connected(1, 'b');
  for (const index of [RECORDINGS, RECORDINGS + 1]) {
    const socket = await tell();
    output(socket, 'x'.repeat(200_000));
    socket.end();
    await noted(index, index);
  }
  const { sessions } = recorder.sessions();
  expect(sessions.slice(-2).map(({ recording }) => recording)).toEqual([RECORDINGS, null]);
  await expect(castOf(RECORDINGS + 1)).rejects.toThrow('ENOENT');
});

it('goes on without a recording that cannot be written', async () => {
  await writeFile(join(base, 'record', '1.cast'), 'somebody is here already');
  recorder.connected(1, 'a');
  const socket = await tell();
  output(socket, 'hello');
  socket.end();
  await noted(1, 1);
  expect(said[0]).toContain('Recording 1 ends');
});

it('ends with those who do not', async () => {
  recorder.connected(1, 'a');
  const socket = await tell();
  output(socket, 'hello');
  await noted(1);
  socket.on('error', () => {});
  await recorder.close();
  expect(recorder.sessions().sessions[0]?.ended).not.toBeNull();
  expect(await castOf(1)).toContain('hello');
  recorder = await open();
});
