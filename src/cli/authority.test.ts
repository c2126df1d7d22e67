import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { json, type StandIn, startStandIn } from '../client/testing/service.ts';
import type { Authority } from '../contract/authority.ts';
import { runKiln } from './testing/run-kiln.ts';

const facts = {
  subject: 'CN=Kiln platform CA',
  sha256_fingerprint: 'ab'.repeat(32),
  not_before: '2026-01-01T00:00:00.000Z',
  not_after: '2036-01-01T00:00:00.000Z',
};
const root = (id: string, role: Authority['roots'][number]['role']) => ({
  id: id.repeat(16),
  role,
  ...facts,
  pem: 'PEM\n',
});
const AUTHORITY: Authority = {
  roots: [root('1', 'current'), root('2', 'next'), root('3', 'previous')],
  also_trusted: [facts],
  server_certificate: { ...facts, names: ['packages.local'], root_id: '1'.repeat(16) },
};

let service: StandIn;
beforeEach(async () => {
  service = await startStandIn();
  vi.stubEnv('KILN_SERVER', service.url);
  service.on('GET /kiln/v1/authority', (_asked, response) => json(response, 200, AUTHORITY));
  for (const change of ['rotate', 'activate']) {
    service.on(`POST /kiln/v1/authority/${change}`, (_asked, response) => json(response, 200, AUTHORITY));
  }
  service.on('GET /kiln/v1/authority/certificates.pem', (_asked, response) => response.end('PEM\n'));
  service.on(`DELETE /kiln/v1/authority/roots/${'3'.repeat(16)}`, (_asked, response) =>
    response.writeHead(204).end(),
  );
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service[Symbol.asyncDispose]();
});

const changes = () =>
  service.asked.filter(({ method }) => method !== 'GET').map((each) => `${each.method} ${each.path}`);

it('shows the roots, what is trusted besides, and the server certificate', async () => {
  const { stdout } = await runKiln(['authority', 'show', '--format', 'table']);

  expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
    ['ID', 'ROLE'],
    ['1'.repeat(16), 'current'],
    ['2'.repeat(16), 'next'],
    ['3'.repeat(16), 'previous'],
    ['ab'.repeat(8), 'also trusted'],
    ['ab'.repeat(8), 'server'],
    [''],
  ]);
  expect(JSON.parse((await runKiln(['authority', 'show', '--format', 'json'])).stdout)).toEqual(AUTHORITY);
});

it('exports what is trusted, to standard output or a file', async () => {
  expect((await runKiln(['authority', 'export'])).stdout).toBe('PEM\n');
  const folder = await mkdtemp(join(tmpdir(), 'kiln-export-'));
  try {
    await runKiln(['authority', 'export', '--output', join(folder, 'ca.pem')]);
    expect(await readFile(join(folder, 'ca.pem'), 'utf8')).toBe('PEM\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('rotates, activates and retires', async () => {
  for (const words of [['rotate'], ['activate', '--yes'], ['retire', '3'.repeat(16), '--yes']]) {
    expect(await runKiln(['authority', ...words])).toMatchObject({ exitCode: 0 });
  }
  expect(changes()).toEqual([
    'POST /kiln/v1/authority/rotate',
    'POST /kiln/v1/authority/activate',
    `DELETE /kiln/v1/authority/roots/${'3'.repeat(16)}`,
  ]);
});

it('changes nothing in a dry run, or for a root that is not there', async () => {
  const activate = await runKiln(['authority', 'activate', '--dry-run']);
  const retire = await runKiln(['authority', 'retire', '3'.repeat(16), '--dry-run']);
  const unknown = await runKiln(['authority', 'retire', 'f'.repeat(16)]);

  expect(activate.stderr).toContain('would activate the next root 2222');
  expect(retire.stderr).toContain('would retire the previous root 3333');
  expect(unknown).toMatchObject({ exitCode: 2 });
  expect(unknown.stderr).toContain('1111111111111111 (current)');
  expect(changes()).toEqual([]);
});
