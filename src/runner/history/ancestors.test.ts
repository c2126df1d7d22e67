import { expect, it } from 'vitest';
import type { HistoryEntry } from '../../contract/history.ts';
import { outlineOf } from './ancestors.ts';

const SESSION = {
  from: '127.0.0.1:4000',
  key: null,
  started: '2026-01-01T00:00:00.000Z',
  ended: null,
  command: null,
  terminal: false,
  recording: null,
};
const ENTRY: HistoryEntry = {
  image_id: '2f3c0000-0000-4000-8000-000000000003',
  image_name: 'compute',
  parent_id: '2f3c0000-0000-4000-8000-000000000004',
  parent_name: 'base',
  job_id: '9b0c0000-0000-4000-8000-000000000002',
  created: '2026-01-01T00:00:00.000Z',
  ran: [],
  sessions: [SESSION],
  sessions_left_out: 0,
  packages: { installed: [], removed: [], updated: [] },
  ...{ added: 1, changed: 0, removed: 0 },
  paths: [{ change: 'added', path: '/etc/a', type: 'file', mode: '0644', uid: 0, gid: 0 }],
  script: '#!/bin/sh\n',
  incomplete: null,
};

it('keeps of an ancestor what is short, and says what it leaves out', () => {
  expect(outlineOf(ENTRY)).toEqual(ENTRY);
  const long: HistoryEntry = {
    ...ENTRY,
    paths: Array.from({ length: 2_000 }, () => ({ ...(ENTRY.paths[0] as HistoryEntry['paths'][number]) })),
    sessions: Array.from({ length: 150 }, () => SESSION),
    sessions_left_out: 1,
    script: 'x'.repeat(100_000),
    incomplete: 'something',
  };
  const outline = outlineOf(long);
  expect([outline.paths.length, outline.sessions.length, outline.sessions_left_out]).toEqual([500, 100, 51]);
  expect(outline.script).toBe('');
  expect(outline.incomplete).toBe(
    'something; of its paths, 500 are listed here; its script is only with the image itself',
  );
  // Once more changes nothing.
  expect(outlineOf(outline)).toEqual(outline);
});
