/** Inspections in a real service: what becomes of an upload, how long reports are kept, and who sees the jobs. */
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import type { InspectionReport } from '../../src/contract/inspections.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

const REPORT: InspectionReport = {
  ok: true,
  name: 'r',
  package_manager: 'apt',
  findings: [],
  repositories: [],
  plan: null,
};

let service: InProcessService;
let client: KilnClient;
beforeEach(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  client = createClient({ baseUrl: service.url, fetch: checkedFetch });
});
afterEach(() => service.close());

const upload = () =>
  client.inspections.ofArchive(
    {
      body: Readable.toWeb(Readable.from([Buffer.from('an archive')])) as never,
      sizeBytes: 10,
      sha256: '9e691d5adacf0e102f203100842ffaba4e2a7dfe3dbd536827d3c0db8c7e88f1',
    },
    { plan: false, schema_only: true, values: [{ key: 'A', value: '1' }] },
  );

async function uploads(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of service.objects.list('ims', 'inspections/')) {
    keys.push(key);
  }
  return keys;
}

const gone = () =>
  waitFor(async () => ((await uploads()).length === 0 ? true : undefined), {
    timeoutMs: 60_000,
    describe: () => 'the upload to be deleted',
  });

/** Ends a job as its runner would. */
async function end(id: string): Promise<void> {
  const at = new Date().toISOString();
  await service.records.transaction(async (inside) => {
    for (const [sequence, state] of (['starting', 'running', 'succeeded'] as const).entries()) {
      const next = { state, at, attempt: 1, reason: null, resultantImageId: null };
      expect(await inside.jobs.advance(id, sequence + 1, next)).toBe(true);
    }
    await inside.jobs.setReport(id, REPORT);
  });
}

describe('an inspection', () => {
  it('of an archive keeps it while it lasts, and no longer; a cancelled one has no report', async () => {
    const job = await upload();
    expect(job).toMatchObject({ job_type: 'inspect', state: 'queued', artifact_id: job.id });
    expect(await uploads()).toHaveLength(1);
    await expect(client.inspections.report(job.id)).rejects.toMatchObject({ code: 'no-report' });
    await client.jobs.cancel(job.id);
    await gone();
  });

  it('whose upload was broken off by the end of the service leaves nothing', async () => {
    const address = { bucket: 'ims', key: 'inspections/x/recipe.archive' } as const;
    const entry = { id: 'e', bucket: 'ims', keyPrefix: address.key, reason: 'r' } as const;
    await service.records.cleanup.insert({ ...entry, jobId: 'inspection-upload:x' });
    await service.objects.put(address, Readable.from(['half of it']));
    await service.restart();
    await gone();
  });

  it('of a wrong upload is none, and leaves nothing', async () => {
    const response = await fetch(`${service.url}/kiln/v1/inspections/archive`, {
      method: 'POST',
      body: 'an archive',
      headers: { 'x-kiln-sha256': '0'.repeat(64) },
    });
    expect([response.status, await response.json()]).toMatchObject([422, { code: 'checksum-mismatch' }]);
    expect(await client.jobs.list()).toEqual([]);
    await gone();
  });

  it('of a recipe needs one that could be built', async () => {
    const of = async (recipe_type: 'kiwi-ng' | 'packer') => {
      const { id } = await client.recipes.create({ name: 'r', linux_distribution: 'sles15', recipe_type });
      return await client.inspections.ofRecipe({ recipe_id: id });
    };
    await expect(of('packer')).rejects.toMatchObject({ code: 'recipe-type-not-supported' });
    await expect(of('kiwi-ng')).rejects.toMatchObject({ code: 'recipe-without-archive' });
  });

  it('is not shown to clients of the reference, and the report goes with the job', async () => {
    const job = await upload();
    await end(job.id);
    expect(await client.inspections.report(job.id)).toEqual(REPORT);
    expect(await (await fetch(`${service.url}/v3/jobs`)).json()).toEqual([]);
    expect((await fetch(`${service.url}/v3/jobs/${job.id}`)).status).toBe(404);
    await client.jobs.delete(job.id);
    await expect(client.inspections.report(job.id)).rejects.toMatchObject({ code: 'job-not-found' });
  });

  it('is forgotten when fifty newer ones are over', async () => {
    const first = await upload();
    await end(first.id);
    for (let count = 0; count < 51; count += 1) {
      await end((await upload()).id);
    }
    const jobs = await client.jobs.list();
    expect(jobs).toHaveLength(51);
    expect(jobs.some(({ id }) => id === first.id)).toBe(false);
  });
});
