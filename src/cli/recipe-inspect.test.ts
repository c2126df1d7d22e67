import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JOB_ID, jobOf, json, RECIPE_ID, type StandIn, startStandIn } from '../client/testing/service.ts';
import type { InspectionReport } from '../contract/inspections.ts';
import { runKiln } from './testing/run-kiln.ts';

const REPORT: InspectionReport = {
  ok: false,
  name: 'compute',
  package_manager: 'zypper',
  findings: [
    {
      rule: 'plain-password',
      severity: 'error',
      message: 'the password of root',
      file: 'config.xml',
      line: 7,
      hint: 'h',
    },
    { rule: 'pipe-to-shell', severity: 'warning', message: 'two\nlines' },
  ],
  repositories: [
    { alias: 'one', url: 'https://packages.local/repository/one', problem: null },
    { alias: 'two', url: 'https://packages.local/repository/two', problem: 'it answers 404' },
  ],
  plan: {
    packages: [
      {
        name: 'bash',
        version: '5-1',
        arch: 'x86_64',
        repository: 'one',
        download_bytes: 1024,
        installed_bytes: null,
      },
    ],
    download_bytes: 1024,
    installed_bytes: 2048,
    difference: {
      image_id: 'i1',
      added: [{ name: 'bash', arch: 'x86_64', version: '5-1' }],
      removed: [{ name: 'zsh', arch: 'x86_64', version: '1' }],
      changed: [{ name: 'sed', arch: 'x86_64', from: '1', to: '2' }],
    },
  },
};

let service: StandIn;
let folder: string;
beforeEach(async () => {
  service = await startStandIn();
  folder = await mkdtemp(join(tmpdir(), 'kiln-inspect-'));
  const job = jobOf({ job_type: 'inspect', state: 'succeeded' });
  service.on('POST /kiln/v1/inspections', (_asked, response) => json(response, 201, job));
  service.on('POST /kiln/v1/inspections/archive', (_asked, response) => json(response, 201, job));
  service.on(`GET /kiln/v1/jobs/${JOB_ID}/events`, (_asked, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`event: job\ndata: ${JSON.stringify(job)}\n\n`);
  });
  service.on(`GET /kiln/v1/jobs/${JOB_ID}/report`, (_asked, response) => json(response, 200, REPORT));
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const kiln = (...words: string[]) => runKiln(['recipes', ...words, '--server', service.url]);

it('shows findings with file and line, repositories and the plan, and ends with 1 when there are errors', async () => {
  const seen = await kiln('plan', RECIPE_ID, '--packages', '--format', 'table');

  expect(seen.exitCode).toBe(1);
  expect(seen.stdout).toBe(`config.xml:7: error: the password of root [plain-password]
    h
warning: two
    lines [pipe-to-shell]
repository one: reachable (https://packages.local/repository/one)
repository two: NOT USABLE (https://packages.local/repository/two)
PACKAGE  VERSION  ARCH    REPOSITORY  DOWNLOAD  INSTALLED
bash     5-1      x86_64  one         1.0 KiB   -
1 packages would be installed (1 from one): 1.0 KiB to download, 2.0 KiB installed
compared to image i1: 1 added, 1 removed, 1 changed
  + bash 5-1
  - zsh 1
  ~ sed 1 -> 2
compute: NOT valid, 1 errors, 1 warnings
`);
  expect(JSON.parse(String(service.asked[0]?.body))).toEqual({
    recipe_id: RECIPE_ID,
    plan: true,
    schema_only: false,
    values: [],
  });
});

it('gives the report to programs', async () => {
  const seen = await kiln('validate', RECIPE_ID, '--format', 'json', '--values', 'A=1');

  expect([seen.exitCode, JSON.parse(seen.stdout)]).toEqual([1, REPORT]);
});

it('sends a folder with the values that it has itself and those that are typed', async () => {
  await writeFile(join(folder, 'config.xml'), '<image/>');
  const about = 'linux_distribution: sles15\narchitectures: [x86_64]\nvalues: {A: "a-{arch}", B: b}\n';
  await writeFile(join(folder, '.kiln-recipe.yaml'), about);

  await kiln('validate', folder, '--schema-only', '--arch', 'aarch64', '--values', 'B=2', '--format', 'json');

  const query = new URLSearchParams(service.asked[0]?.path.split('?')[1]);
  expect(Object.fromEntries(query)).toMatchObject({ schema_only: 'true', plan: 'false', arch: 'aarch64' });
  expect(JSON.parse(query.get('values') ?? '')).toEqual([
    { key: 'A', value: 'a-aarch64' },
    { key: 'B', value: 'b' },
    { key: 'B', value: '2' },
  ]);
});

it('says why the service could not look at the recipe', async () => {
  const reason = { code: 'job-out-of-memory', title: 'T', detail: 'D', hint: 'H', step: null };
  const failed = jobOf({ job_type: 'inspect', state: 'failed', reason });
  service.on(`GET /kiln/v1/jobs/${JOB_ID}/events`, (_asked, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`event: job\ndata: ${JSON.stringify(failed)}\n\n`);
  });

  const seen = await kiln('validate', RECIPE_ID);

  expect([seen.exitCode, seen.stderr]).toEqual([1, expect.stringContaining('T: D')]);
});
