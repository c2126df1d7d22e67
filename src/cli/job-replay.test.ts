import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  IMAGE_ID,
  JOB_ID,
  jobOf,
  json,
  type StandIn,
  SUCCEEDED,
  startStandIn,
} from '../client/testing/service.ts';
import type { HistoryEntry, Session } from '../contract/history.ts';
import { runKiln } from './testing/run-kiln.ts';

const AT = '2026-01-01T00:00:00.000Z';
const SESSION: Session = {
  from: '192.0.2.1:4000',
  key: 'SHA256:abc ops',
  started: AT,
  ended: AT,
  command: null,
  terminal: true,
  recording: 1,
};
const castOf = (text: string) =>
  `${JSON.stringify({ version: 2, width: 80, height: 24, timestamp: 1, title: text })}\n${JSON.stringify([5, 'o', `\u001b[1m${text}\u001b[0m\r\n`])}\n`;

let service: StandIn;
beforeEach(async () => {
  service = await startStandIn();
});
afterEach(() => service[Symbol.asyncDispose]());

const kiln = (...words: string[]) => runKiln([...words, '--server', service.url]);

function answer(path: string, body: object | string): void {
  service.on(`GET /kiln/v1/${path}`, (_asked, response) =>
    typeof body === 'string' ? response.end(body) : json(response, 200, body),
  );
}

describe('kiln jobs replay', () => {
  const command: Session = { ...SESSION, command: 'scp -t /', terminal: false, recording: null };
  const going: Session = { ...SESSION, ended: null, recording: 2 };
  beforeEach(() => {
    answer(`jobs/${JOB_ID}`, jobOf());
    answer(`jobs/${JOB_ID}/recordings`, { sessions: [SESSION, command, going], sessions_left_out: 3 });
    answer(`jobs/${JOB_ID}/recordings/1`, castOf('hello'));
    answer(`jobs/${JOB_ID}/recordings/2`, castOf('again'));
  });

  it('prints the plain text of the sessions that are over, where there is no terminal', async () => {
    expect(await kiln('jobs', 'replay', JOB_ID)).toEqual({ exitCode: 0, stdout: 'hello\n', stderr: '' });
    answer(`jobs/${JOB_ID}`, jobOf(SUCCEEDED));
    expect((await kiln('jobs', 'replay', JOB_ID)).stdout).toBe('hello\nagain\n');
    expect((await kiln('jobs', 'replay', JOB_ID, '--session', '2')).stdout).toBe('again\n');
  });

  it('lists who was there', async () => {
    const seen = await kiln('jobs', 'replay', JOB_ID, '--list', '--format', 'table');
    expect(seen.stdout).toContain('192.0.2.1:4000');
    expect(seen.stdout).toContain('scp -t /');
    expect(seen.stdout).toContain('SHA256:abc ops');
    expect(seen.stderr).toContain('and 3 more');
  });

  it('gives the recording itself to other players', async () => {
    expect((await kiln('jobs', 'replay', JOB_ID, '--cast')).stdout).toBe(castOf('hello'));
    answer(`jobs/${JOB_ID}`, jobOf(SUCCEEDED));
    const many = await kiln('jobs', 'replay', JOB_ID, '--cast');
    expect([many.exitCode, many.stderr]).toEqual([2, expect.stringContaining('choose with --session: 1, 2')]);
  });

  it('says so when there is nothing to see', async () => {
    answer(`jobs/${JOB_ID}/recordings`, { sessions: [command], sessions_left_out: 0 });
    const seen = await kiln('jobs', 'replay', JOB_ID);
    expect([seen.exitCode, seen.stderr]).toEqual([1, expect.stringContaining('no session is recorded')]);
    expect((await kiln('jobs', 'replay', JOB_ID, '--speed', '0')).exitCode).toBe(2);
  });
});

describe('kiln images history', () => {
  const path = (name: string, also: object = {}): HistoryEntry['paths'][number] => ({
    ...{ change: 'added', path: name, type: 'file', mode: '0644', uid: 0, gid: 0 },
    ...also,
  });
  const entry: HistoryEntry = {
    ...{
      image_id: IMAGE_ID,
      image_name: 'compute',
      parent_id: IMAGE_ID,
      parent_name: 'base',
      job_id: JOB_ID,
    },
    created: AT,
    ran: [{ kind: 'command', name: 'harden.sh' }],
    sessions: [SESSION],
    sessions_left_out: 0,
    packages: {
      installed: [{ name: 'hello', arch: 'amd64', version: '2.10' }],
      removed: [{ name: 'vim', arch: 'amd64', version: '9' }],
      updated: [{ name: 'tar', arch: 'amd64', version: '2', from: '1' }],
    },
    ...{ added: 40, changed: 1, removed: 0 },
    paths: [
      path('/etc/shadow', { change: 'changed', parts: ['content'], secret: true }),
      path('/etc/\u001b[2Jl\nx', { type: 'link', target: '/etc/y' }),
      ...Array.from({ length: 30 }, (_, index) => path(`/opt/${index}`)),
      path('/usr/bin/hello', { package: 'hello' }),
    ],
    script: '#!/bin/sh\necho again\n',
    incomplete: 'something is missing',
  };
  beforeEach(() => {
    answer(`images/${IMAGE_ID}/history`, { entries: [entry, { ...entry, image_name: 'older' }] });
    answer(`images/${IMAGE_ID}/recordings/1`, castOf('hello'));
  });

  it('shows the line of images, and of each what a person wants to know first', async () => {
    const { stdout } = await kiln('images', 'history', IMAGE_ID, '--format', 'table');
    for (const line of [
      `compute (${IMAGE_ID})`,
      '  ran command harden.sh',
      `  192.0.2.1:4000 with SHA256:abc ops, ${AT} to ${AT}: a shell, recording 1`,
      '    + hello 2.10',
      '    ~ tar 2, was 1',
      '    - vim 9',
      '    ~ /etc/shadow (content, nothing of its content is kept)',
      '    + /etc/l x (to /etc/y)',
      '    and 12 more; --all shows them',
      '  9 more paths, of packages or what programs made for themselves',
      '  incomplete: something is missing',
      `older (${IMAGE_ID})`,
    ]) {
      expect(stdout.split('\n'), stdout).toContain(line);
    }
    expect(stdout).not.toContain('/usr/bin/hello');
    expect((await kiln('images', 'history', IMAGE_ID, '--format', 'table', '--all')).stdout).toContain(
      '+ /usr/bin/hello',
    );
  });

  it('is the record itself for programs, and the script for whoever wants to do it again', async () => {
    expect(JSON.parse((await kiln('images', 'history', IMAGE_ID)).stdout).entries[0]).toEqual(entry);
    expect((await kiln('images', 'history', IMAGE_ID, '--script')).stdout).toBe(entry.script);
  });

  it('has what the shells showed, also when the job is gone', async () => {
    expect((await kiln('images', 'replay', IMAGE_ID)).stdout).toBe('hello\n');
  });
});
