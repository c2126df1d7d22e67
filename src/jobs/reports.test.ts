import { expect, test } from 'vitest';
import type { JobDocument } from '../contract/runner.ts';
import { cutMessage } from './log-budget.ts';
import { createWorld, type World, type WorldOptions } from './testing/world.ts';

const at = '2026-01-01T00:00:01.000Z';
const line = (number: number, step: string, text = `line ${number}`) => ({ line: number, at, step, text });

async function running(options: WorldOptions = {}): Promise<{ world: World; document: JobDocument }> {
  const world = createWorld(options);
  const { id } = await world.create();
  await world.settle();
  const document = world.machine.runnerOf(id)?.document;
  if (document === undefined) {
    throw new Error('no runner was started');
  }
  return { world, document };
}

test('reports carry steps and log; a repeated one changes nothing', async () => {
  const { world, document } = await running();
  const report = {
    steps: [
      { name: 'fetch', state: 'done' as const, at, note: '3 KiB' },
      { name: 'unpack', state: 'running' as const, at },
    ],
    log: [line(1, 'fetch'), line(2, 'unpack'), line(3, 'unpack')],
  };
  expect(await world.report(document, report)).toEqual({ cancel: false });
  const first = await world.service.jobs.get(document.job_id);
  expect(first).toMatchObject({ state: 'running', status: 'fetching_recipe', log_lines: 3 });
  expect(first.steps.slice(0, 3)).toMatchObject([
    { state: 'done', note: '3 KiB', first_line: 1, finished: at },
    { state: 'running', started: at, first_line: 2, finished: null },
    { state: 'pending', first_line: null },
  ]);
  await world.report(document, report);
  expect(await world.service.jobs.get(document.job_id)).toEqual(first);
});

test('only the runner of the last attempt is heard', async () => {
  const { world, document } = await running();
  const stranger = { ...document, api: { ...document.api, token: 'guessed' } };
  await expect(world.report(stranger)).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(world.complete(stranger)).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(world.report({ ...document, attempt: 2 })).rejects.toMatchObject({ code: 'job-fenced' });
});

test('a failure ends the job with the reason, and whatever follows is fenced', async () => {
  const { world, document } = await running();
  const failure = { code: 'kiwi-failed', title: 't', detail: 'd', hint: 'h', step: 'prepare' };
  await world.report(document, { steps: [{ name: 'prepare', state: 'running', at }], failure });
  const job = await world.service.jobs.get(document.job_id);
  expect(job).toMatchObject({ state: 'failed', status: 'error', reason: failure });
  expect(job.steps.find((step) => step.name === 'prepare')).toMatchObject({ state: 'failed' });
  expect([...world.state.cleanup.values()]).toMatchObject([{ jobId: null }]);
  await expect(world.report(document)).rejects.toMatchObject({ code: 'job-fenced' });
  await expect(world.complete(document)).rejects.toMatchObject({ code: 'job-fenced' });
});

test('a completed job has registered its image, once', async () => {
  const { world, document } = await running();
  await world.report(document, { steps: [{ name: 'publish', state: 'running', at }] });
  const image = await world.complete(document);
  expect(image).toMatchObject({
    id: document.image.id,
    name: 'an image',
    job_id: document.job_id,
    link: { path: `s3://boot-images/${document.image.id}/manifest.json`, type: 's3' },
  });
  expect(await world.complete(document)).toEqual(image);
  expect(world.state.images.size).toBe(1);
  expect(world.state.cleanup.size).toBe(0);
  const job = await world.service.jobs.get(document.job_id);
  expect(job).toMatchObject({ state: 'succeeded', status: 'success', resultant_image_id: image.id });
  expect(job.steps.find((step) => step.name === 'publish')).toMatchObject({ state: 'done' });
});

test('what was not uploaded as announced is no image', async () => {
  const { world, document } = await running();
  const complete = (changes: object) =>
    world.service.reports.complete(document.job_id, document.api.token, {
      attempt: 1,
      packages: 1,
      artifacts: [
        {
          type: 'application/vnd.cray.image.rootfs.squashfs',
          sha256: '0'.repeat(64),
          size_bytes: 1,
          link: { path: document.image.uploads.rootfs.path, type: 's3' },
          ...changes,
        },
      ],
    });
  await expect(complete({})).rejects.toMatchObject({ code: 'object-not-found' });
  await expect(complete({ type: 'x' })).rejects.toMatchObject({ code: 'manifest-invalid' });
  const elsewhere = { link: { path: 's3://boot-images/other/rootfs', type: 's3' } };
  await expect(complete(elsewhere)).rejects.toMatchObject({ code: 'manifest-invalid' });
  const key = `${document.image.id}/rootfs`;
  const info = world.objects.putText({ bucket: 'boot-images', key }, 'root');
  await expect(complete({})).rejects.toMatchObject({ code: 'checksum-mismatch' });
  const right = { sha256: info.sha256, size_bytes: info.sizeBytes };
  await expect(complete(right)).rejects.toMatchObject({ code: 'object-not-found' });
  const manifest = { bucket: 'boot-images', key: `${document.image.id}/manifest.json` } as const;
  world.objects.putText(manifest, '{');
  await expect(complete(right)).rejects.toMatchObject({ code: 'manifest-invalid' });
  world.objects.putText(manifest, '{"version":"1.0","created":"now","artifacts":[]}');
  await expect(complete(right)).rejects.toMatchObject({ code: 'manifest-invalid' });
  expect(world.state.images.size).toBe(0);
  expect(await world.service.jobs.get(document.job_id)).toMatchObject({ state: 'starting' });
});

test('a log past its limit is cut with a last line that says so, restart or not', async () => {
  const { world, document } = await running({ settings: { 'jobs.log_mib': '1' } });
  const text = 'x'.repeat(10_000);
  const lines = Array.from({ length: 150 }, (_, index) => line(index + 1, 'prepare', text));
  await world.report(document, { log: lines.slice(0, 80) });
  await world.restart();
  await world.report(document, { log: lines.slice(70) });
  await world.restart();
  await world.report(document, { log: [line(151, 'prepare')] });
  const log = await world.service.jobs.readLog(document.job_id, 0, 1000);
  expect(log.length).toBe(105);
  expect(log.at(-1)?.text).toBe(cutMessage(1024 * 1024));
  expect(log.map((each) => each.line)).toEqual(log.map((_, index) => index + 1));
});

test('a runner that is told to stop ends its job as cancelled', async () => {
  const { world, document } = await running();
  await world.report(document);
  expect(await world.service.jobs.cancel(document.job_id)).toMatchObject({ state: 'cancelling' });
  expect(await world.report(document)).toEqual({ cancel: true });
  await expect(world.complete(document)).rejects.toMatchObject({ code: 'job-cancelled' });
  const failure = { code: 'step-failed', title: 't', detail: 'd', hint: 'h', step: null };
  await world.report(document, { failure });
  const job = await world.service.jobs.get(document.job_id);
  expect(job).toMatchObject({ state: 'cancelled', reason: { code: 'job-cancelled' } });
});
