import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SESSIONS, type Session } from '../../contract/history.ts';
import { openSessionNotes } from './session-notes.ts';

const SESSION: Session = {
  from: '127.0.0.1:4000',
  key: null,
  started: '2026-01-01T00:00:00.000Z',
  ended: null,
  command: null,
  terminal: true,
  recording: 1,
};
const ENDED = '2026-01-01T01:00:00.000Z';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-notes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('finds again what an earlier runner noted, also when it was killed in the middle of a line', async () => {
  const notes = await openSessionNotes(folder);
  const first = await notes.began(SESSION);
  await notes.began({ ...SESSION, recording: 2 });
  await notes.ended(first, ENDED);
  await notes.ended(first, '2026-01-01T02:00:00.000Z');
  await appendFile(join(folder, 'sessions.jsonl'), '{"session":3,"beg');

  const again = await openSessionNotes(folder);
  expect(again.list()).toEqual({
    sessions: [
      { ...SESSION, ended: ENDED },
      { ...SESSION, recording: 2 },
    ],
    sessions_left_out: 0,
  });
});

it('counts those that are too many', async () => {
  const notes = await openSessionNotes(folder);
  for (let index = 0; index < SESSIONS + 2; index += 1) {
    await notes.ended(await notes.began(SESSION), ENDED);
  }
  for (const each of [notes, await openSessionNotes(folder)]) {
    expect(each.list().sessions).toHaveLength(SESSIONS);
    expect(each.list().sessions_left_out).toBe(2);
  }
});
