/** A build that fails and was asked to be kept: its user looks into it over SSH, mends it, and has the image made of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { logOf, untilJob, untilOver } from '../support/jobs.ts';
import { expectNothingLeft, startService, type TestService } from '../support/kiln.ts';
import { registerTiny } from '../support/recipes.ts';
import { run } from '../support/run.ts';
import { openSshClient, type SshClient } from '../support/ssh.ts';
import { publishTinyRpm, registerTinyRpm } from '../support/tiny-rpm.ts';

let service: TestService;
let folder: string;
let ssh: SshClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-debug-shell-'));
  service = await startService();
  ssh = await openSshClient(service, folder);
});
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Asks as clients of the reference do. */
async function failingBuild(recipe: string): Promise<Job> {
  const answer = await fetch(`${service.url}/v3/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      job_type: 'create',
      artifact_id: recipe,
      public_key_id: ssh.publicKeyId,
      image_root_archive_name: 'mended',
      build_env_size: 2,
      enable_debug: true,
    }),
  });
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as Job;
  return untilJob(
    service,
    id,
    'the shell beside the failed build',
    ({ status }) => status === 'waiting_on_user',
  );
}

async function wireJob({ id }: Job) {
  return (await (await fetch(`${service.url}/v3/jobs/${id}`)).json()) as {
    status: string;
    resultant_image_id: string | null;
    ssh_containers: { name: string; jail: boolean; connection_info: Record<string, object> }[];
  };
}

it('shows the failed root and its log, and ends in error; what was mended is there for another try', async () => {
  const job = await failingBuild(
    await registerTiny(service, { script: 'echo the script fails here; exit 7' }),
  );
  expect(job.shell).toMatchObject({ name: 'debug', jail: false, state: 'open' });
  const { ssh_containers } = await wireJob(job);
  expect(ssh_containers[0]).toMatchObject({ name: 'debug', jail: false });
  expect(ssh_containers[0]?.connection_info['cluster.local']).toEqual({
    host: job.shell?.host,
    port: job.shell?.port,
  });

  const seen = await ssh.run(
    job,
    `set -e; pwd; env | grep IMS_JOB_ID; grep -o 'the script fails here' kiwi.log | tail -1
     cd build/image-root; ls etc/debian_version; chroot . sh -c 'test -e /proc/1/status; echo mended > /etc/mended'
     touch /mnt/image/complete`,
  );
  expect(seen.stdout, seen.tail.join('\n')).toBe(
    `/mnt/image\nIMS_JOB_ID=${job.id}\nthe script fails here\netc/debian_version\n`,
  );
  const over = await untilOver(service, job.id);
  expect(over).toMatchObject({
    status: 'error',
    reason: { code: 'recipe-script-failed', step: 'prepare' },
    checkpoint: { stage: 'root' },
  });
  expect(await wireJob(job)).toMatchObject({ status: 'error', resultant_image_id: null });
  await expectNothingLeft(service, job.id);

  const again = await service.kiln(['jobs', 'retry', job.id, '--format', 'json']);
  const made = await untilOver(service, JSON.parse(again.stdout).id);
  expect(made.state, (await logOf(service, made.id)).join('\n')).toBe('succeeded');
  const [rootfs] = await service.client.images.artifacts(made.resultant_image_id ?? '');
  const file = join(folder, 'rootfs');
  await writeFile(file, Buffer.from(await (await fetch(rootfs?.download_url ?? '')).arrayBuffer()));
  expect(await run('unsquashfs', ['-cat', file, 'etc/mended'])).toBe('mended\n');
});

it('ends as it failed when its user gives up, and is cancelled while somebody looks at it', async () => {
  const url = await publishTinyRpm(service, 'failing', 'error("this package cannot be installed")');
  const recipe = await registerTinyRpm(service, { manager: 'zypper', url });
  const given = await failingBuild(recipe);
  await ssh.run(given, 'touch /mnt/image/failed');
  expect(await untilOver(service, given.id)).toMatchObject({
    reason: { code: 'kiwi-failed', step: 'prepare' },
    checkpoint: null,
  });
  await expectNothingLeft(service, given.id);

  const cancelled = await failingBuild(recipe);
  await service.client.jobs.cancel(cancelled.id);
  expect((await untilOver(service, cancelled.id)).state).toBe('cancelled');
  await expectNothingLeft(service, cancelled.id);
});
