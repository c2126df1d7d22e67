/** A whole `runJob` that fails early: what it reports, and that nothing of it is left. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Value } from 'typebox/value';
import { beforeAll, describe, expect, it } from 'vitest';
import { type JobDocument, RunnerReport } from '../../src/contract/runner.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { silentLog } from '../../src/platform/log.ts';
import { runJob } from '../../src/runner/run-job.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { startFakeControlPlane } from '../support/fake-control-plane.ts';

let builder: { path: string };
beforeAll(async () => {
  builder = await testBuilderRoot();
});

describe('runJob', () => {
  const recipe = Buffer.from('not what was announced');

  async function jobWith(document: (base: JobDocument) => Partial<JobDocument>) {
    const plane = await startFakeControlPlane(recipe);
    const jobFolder = await mkdtemp(join(tmpdir(), 'kiln-job-'));
    try {
      const base = testDocument({
        workspace: jobFolder,
        builder_root: { digest: 'test', path: builder.path },
        limits: { ...testDocument().limits, disk_bytes: GIB, memory_bytes: GIB },
        api: { url: plane.url, socket: null, token: 'token-of-the-test-job', grace_seconds: 5 },
      });
      const input = Readable.from([JSON.stringify({ ...base, ...document({ ...base }) })]);
      const exitCode = await runJob({ input, log: silentLog });
      return { exitCode, reports: plane.reports, left: await readdir(jobFolder) };
    } finally {
      await plane.close();
      await rm(jobFolder, { recursive: true, force: true });
    }
  }

  it('reports the reason of a failure, leaves nothing in its folder, and exits with 1', async () => {
    const { exitCode, reports, left } = await jobWith((base) => ({
      source: {
        ...base.source,
        url: `${base.api.url}/recipe`,
        size_bytes: recipe.length,
        md5: '0'.repeat(32),
        sha256: '0'.repeat(64),
      },
    }));

    expect(exitCode).toBe(1);
    expect(left).toEqual([]);
    expect(reports.every((report) => Value.Check(RunnerReport, report))).toBe(true);
    expect(reports.at(-1)?.failure).toMatchObject({ code: 'checksum-mismatch', step: 'fetch' });
    const states = reports.flatMap((report) => report.steps.map((step) => [step.name, step.state]));
    expect(states.at(-1)).toEqual(['fetch', 'failed']);
  });

  it('reports that the sandbox could not be made', async () => {
    const { exitCode, reports } = await jobWith(() => ({
      builder_root: { digest: 'none', path: '/nonexistent/root.squashfs' },
    }));

    expect(exitCode).toBe(1);
    expect(reports.at(-1)?.failure).toMatchObject({ code: 'sandbox-failed', step: null });
  });

  it('exits with 2 when its document is none', async () => {
    expect(await runJob({ input: Readable.from(['{"version": 2}']), log: silentLog })).toBe(2);
  });
});
