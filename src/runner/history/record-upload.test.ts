import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeControlPlane, startFakeControlPlane } from '../../../test/support/fake-control-plane.ts';
import type { JobSessions, Session } from '../../contract/history.ts';
import { waitFor } from '../../platform/wait.ts';
import { createRunnerHttp } from '../http.ts';
import { testDocument } from '../testing/document.ts';
import { createRecordUpload, type RecordUpload } from './record-upload.ts';

let plane: FakeControlPlane;
let folder: string;
let list: JobSessions;
let said: string[];
let uploads: RecordUpload;
beforeEach(async () => {
  plane = await startFakeControlPlane();
  folder = await mkdtemp(join(tmpdir(), 'kiln-record-'));
  list = { sessions: [], sessions_left_out: 0 };
  said = [];
  const upload = (name: string) => ({
    url: `${plane.url}/${name}`,
    path: `s3://ims/jobs/1/recordings/${name}`,
  });
  uploads = createRecordUpload({
    folder,
    addresses: { sessions: upload('sessions.json'), recordings: [upload('1.cast'), upload('2.cast')] },
    http: createRunnerHttp(testDocument()),
    sessions: () => list,
    log: (text) => said.push(text),
  });
});
afterEach(async () => {
  await plane.close();
  await rm(folder, { recursive: true });
});

async function session(recording: number, isOver: boolean): Promise<void> {
  const at = '2026-01-01T00:00:00.000Z';
  const one: Session = {
    ...{ from: '127.0.0.1:1', key: null, started: at, ended: isOver ? at : null },
    ...{ command: null, terminal: true, recording },
  };
  await writeFile(join(folder, `${recording}.cast`), `recording ${recording}`);
  list = { ...list, sessions: [...list.sessions, one] };
}

const textOf = (name: string) => plane.uploads.get(name)?.toString();
const puts = () => plane.requests.filter((line) => line.startsWith('PUT'));

it('uploads a recording once its session is over, and the rest at the end', async () => {
  await session(1, true);
  await session(2, false);
  uploads.soon();
  uploads.soon();
  await waitFor(() => textOf('sessions.json'), { timeoutMs: 10_000, describe: () => puts().join() });
  expect(puts()).toEqual(['PUT /1.cast', 'PUT /sessions.json']);
  expect(textOf('1.cast')).toBe('recording 1');
  await uploads.finish(10_000);
  // The list goes again when the end came before the answer to the first time.
  expect(puts().filter((put) => put !== 'PUT /sessions.json')).toEqual(['PUT /1.cast', 'PUT /2.cast']);
  expect(JSON.parse(textOf('sessions.json') ?? '')).toEqual(list);
});

it('uploads nothing twice that is in the store and has not changed', async () => {
  await session(1, true);
  await uploads.finish(10_000);
  await uploads.finish(10_000);
  expect(puts()).toEqual(['PUT /1.cast', 'PUT /sessions.json']);
});

it('uploads nothing where nobody was', async () => {
  await uploads.finish(10_000);
  expect(puts()).toEqual([]);
});

it('tries again what the store did not take, and says in the end what it could not do', async () => {
  await session(1, true);
  plane.uploadFaults.push(403);
  uploads.soon();
  const refused = () => (plane.uploadFaults.length === 0 ? true : undefined);
  await waitFor(refused, { timeoutMs: 10_000, describe: () => puts().join() });
  await uploads.finish(10_000);
  expect([textOf('1.cast'), said]).toEqual(['recording 1', []]);

  await session(2, true);
  plane.uploadFaults.push(403);
  await uploads.finish(10_000);
  expect(said[0]).toContain('not all in the store');
});
