/** What is kept of customize jobs that failed, and how others go on with it: changes, shells, and finished roots. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processesWith } from '../../src/adapters/executors/local/processes.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
});
afterAll(() => bench?.close());

async function logOf({ id }: Job): Promise<string> {
  const lines: string[] = [];
  for await (const { text } of bench.service.client.jobs.log(id)) {
    lines.push(text);
  }
  return lines.join('\n');
}

async function retried(job: Job, from?: string): Promise<Job> {
  const words = [
    'jobs',
    'retry',
    job.id,
    '--format',
    'json',
    ...(from === undefined ? [] : ['--from', from]),
  ];
  const said = await bench.service.kiln(words);
  expect(said.exitCode, said.tail.join('\n')).toBe(0);
  return JSON.parse(said.stdout);
}

/** What a job leaves is put aside after it is over. */
async function untilKept({ id }: Job, isKept: boolean): Promise<void> {
  const names = () => readdir(join(bench.service.state, 'checkpoints')).catch((): string[] => []);
  await waitFor(async () => ((await names()).includes(id) === isKept ? true : undefined), {
    timeoutMs: 60_000,
    describe: () => `${id} to be ${isKept ? 'kept' : 'gone'}`,
  });
}

it('goes on with the change that failed, on the image as it was before that', async () => {
  const changes = [
    { kind: 'command', name: 'first', command: 'echo first ran; ln /etc/hostname /etc/again; rm /etc/issue' },
    { kind: 'command', name: 'second', command: 'test ! -e /etc/half; echo half > /etc/half; exit 4' },
  ] as const;
  const failed = await bench.until((await bench.customize({ changes: [...changes] })).id, never);
  expect(failed).toMatchObject({
    state: 'failed',
    reason: { code: 'command-failed', detail: '"second" ended with code 4' },
    checkpoint: { stage: 'changes', changes: 1 },
  });
  await untilKept(failed, true);

  const again = await bench.until((await retried(failed)).id, never);
  expect(again).toMatchObject({ retry_of: failed.id, reason: { detail: '"second" ended with code 4' } });
  expect(await logOf(again)).not.toContain('first ran');
  expect((await bench.service.client.jobs.get(failed.id)).checkpoint).toBeNull();
  await untilKept(failed, false);

  const anew = await bench.until((await retried(again, 'fetch-image')).id, never);
  expect(await logOf(anew)).toContain('first ran');
});

it('opens the shell again with what was done in it, and makes the image', async () => {
  const job = await bench.until((await bench.customize({ shell: { jail: true } })).id, waiting);
  await bench.ssh(job, 'echo hours of work > /etc/work; touch /tmp/failed');
  const failed = await bench.until(job.id, never);
  expect(failed).toMatchObject({ reason: { code: 'shell-failed' }, checkpoint: { stage: 'shell' } });

  const again = await bench.until((await retried(failed)).id, waiting);
  const seen = await bench.ssh(again, 'cat /etc/work; touch /tmp/complete');
  expect(seen.stdout, seen.tail.join('\n')).toBe('hours of work\n');
  const root = await bench.rootOf(await bench.until(again.id, never));
  expect(await readFile(join(root, 'etc/work'), 'utf8')).toBe('hours of work\n');
  await untilKept(again, false);
});

it('keeps what was done in a shell whose runner was killed; it can be taken as it is', async () => {
  const job = await bench.until((await bench.customize()).id, waiting);
  await bench.ssh(job, 'echo done > /mnt/image/image-root/etc/done; sync');
  const workspace = join(bench.service.state, 'workspaces', job.id);
  for (const { pid } of await processesWith('KILN_WORKSPACE', workspace)) {
    process.kill(pid, 'SIGKILL');
  }
  const lost = await bench.until(job.id, never);
  expect(lost).toMatchObject({ state: 'failed', checkpoint: { stage: 'shell' } });

  const root = await bench.rootOf(await bench.until((await retried(lost, 'boot-files')).id, never));
  expect(await readFile(join(root, 'etc/done'), 'utf8')).toBe('done\n');
});

it('says what it cannot go on with', async () => {
  const broken = [{ kind: 'command', command: 'false' }] as const;
  const failed = await bench.until((await bench.customize({ changes: [...broken] })).id, never);
  expect(failed.checkpoint).toBeNull();
  for (const [from, said] of [
    ['boot-files', 'nothing is kept of it'],
    ['no-such-step', 'it has fetch-image, mount, apply'],
  ]) {
    const refused = await bench.service.kiln(['jobs', 'retry', failed.id, '--from', from ?? '']);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.tail.join('\n')).toContain(said);
  }
});
