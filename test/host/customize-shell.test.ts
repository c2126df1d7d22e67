/** Shells over time: checkpoints that their users ask for, limits, warnings, and what is kept when time is over. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';

let bench: CustomizeBench;
/** Left alone until its time is over, while the others are tested. */
let idle: Job;
let heard = '';
beforeAll(async () => {
  bench = await openCustomizeBench({ 'shells.idle_minutes': '1' });
  idle = await bench.until((await bench.customize({ shell: { jail: true } })).id, waiting);
  const { shell } = idle;
  const target = ['-p', String(shell?.port), ...(await bench.sshOptions(idle)), `root@${shell?.host}`];
  void runCommand(['ssh', '-tt', ...target, 'echo hours > /etc/hours; sync; stty -echo; cat'], {
    onLine: (line) => {
      heard += `${line}\n`;
    },
  });
});
afterAll(() => bench?.close());

async function retried(job: Job, from: string): Promise<Job> {
  const said = await bench.service.kiln(['jobs', 'retry', job.id, '--from', from, '--format', 'json']);
  expect(said.exitCode, said.tail.join('\n')).toBe(0);
  return JSON.parse(said.stdout);
}

it('keeps what was done so far when its user asks for it, and goes back to it', async () => {
  const changes = [{ kind: 'command', command: 'echo made > /etc/made' }] as const;
  const { id } = await bench.customize({ changes: [...changes], shell: { jail: true } });
  const job = await bench.until(id, waiting);
  await bench.ssh(job, 'echo one > /etc/one; rm /etc/issue; touch /tmp/checkpoint');
  await bench.until(id, ({ shell }) => shell?.last_checkpoint?.problem === null);
  await bench.ssh(job, 'echo two > /etc/two; rm /etc/one');
  const kept = await bench.service.kiln(['jobs', 'checkpoint', id]);
  expect(kept.exitCode, kept.tail.join('\n')).toBe(0);
  await bench.ssh(job, 'rm -rf /etc/*; touch /tmp/failed');
  const failed = await bench.until(id, never);
  expect(failed).toMatchObject({ reason: { code: 'shell-failed' }, checkpoint: { stage: 'shell' } });

  const again = await bench.until((await retried(failed, 'apply')).id, waiting);
  const seen = await bench.ssh(
    again,
    'cat /etc/made /etc/two; ls /etc/one /etc/issue 2>&1 | wc -l; touch /tmp/complete',
  );
  expect(seen.stdout, seen.tail.join('\n')).toBe('made\ntwo\n2\n');
  const root = await bench.rootOf(await bench.until(again.id, never));
  expect(await readFile(join(root, 'etc/two'), 'utf8')).toBe('two\n');
});

it('stays open when there is no room for a checkpoint, and says so', async () => {
  const { id } = await bench.customize({ shell: { jail: true }, build_env_size: 1 });
  const job = await bench.until(id, waiting);
  await bench.ssh(job, 'head -c 600M /dev/zero > /var/filler');
  const refused = await bench.service.kiln(['jobs', 'checkpoint', id]);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.tail.join('\n')).toContain('No space left');
  const seen = await bench.ssh(job, 'rm /var/filler; echo small > /etc/small; touch /tmp/checkpoint');
  expect(seen.exitCode, seen.tail.join('\n')).toBe(0);
  await bench.until(id, ({ shell }) => shell?.last_checkpoint?.problem === null);
  await bench.service.client.jobs.fail(id);
  await bench.until(id, never);
});

it('tells its terminals that its time is over soon, closes, and keeps what was done in it', async () => {
  await waitFor(() => (heard.includes('Kiln closes this shell in') ? true : undefined), {
    timeoutMs: 300_000,
    describe: () => `a warning on the terminal, which shows:\n${heard}`,
  });
  const over = await bench.until(idle.id, never);
  expect(over).toMatchObject({
    status: 'error',
    reason: { code: 'shell-timed-out', detail: 'The shell was idle for 1 min 0 s' },
    checkpoint: { stage: 'shell' },
  });
  const again = await bench.until((await retried(over, 'boot-files')).id, never);
  expect(await readFile(join(await bench.rootOf(again), 'etc/hours'), 'utf8')).toBe('hours\n');
});
