/**
 * The main path, as a user goes it: the quickstart builds the recipe that ships and leaves its service running, a job
 * customizes the result, and a virtual machine boots that over the network to its login prompt.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACT_MEDIA_TYPES, type ImageArtifact } from '../../src/contract/images.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { stepsOf } from '../../src/contract/steps.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { startTlsServer, testAuthority } from '../support/authority.ts';
import { logOf } from '../support/jobs.ts';
import {
  clearAway,
  expectNothingLeft,
  packagesPortOf,
  processesWith,
  type RunningService,
} from '../support/kiln.ts';
import { expectNothingLeftIn, type QuickstartRun, quickstart, serviceOf } from '../support/quickstart.ts';
import { run } from '../support/run.ts';
import { connectFrom } from '../support/tls-client.ts';
import { customizedDebian } from './customized-debian-image.ts';

let state: string;
let first: QuickstartRun;
let service: RunningService;
let folder: string;
let job: Job;
let artifacts: ImageArtifact[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-image-'));
  state = await mkdtemp(join(tmpdir(), 'kiln-quickstart-'));
  first = await quickstart(state);
  expect(await first.ended, first.output()).toBe(0);
  service = serviceOf(state);
  const [only] = await service.client.jobs.list();
  if (only === undefined) {
    throw new Error(`the quickstart has made no job:\n${first.output()}`);
  }
  job = only;
  artifacts = await service.client.images.artifacts(job.resultant_image_id ?? '');
});
afterAll(async () => {
  for (const pid of processesWith(state)) {
    process.kill(pid, 'SIGKILL');
  }
  await clearAway(state);
  await rm(folder, { recursive: true, force: true });
});

function artifact(type: string): ImageArtifact {
  const found = artifacts.find((each) => each.type === type);
  if (found === undefined) {
    throw new Error(`no artifact of type ${type} among ${artifacts.map((each) => each.type).join(', ')}`);
  }
  return found;
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

const digest = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest('hex');

describe('the quickstart', () => {
  it('says what it made and how to go on', () => {
    const text = first.output();
    const [, id] = /^Image ([0-9a-f-]{36}) \(debian-barebones\) is published\.$/m.exec(text) ?? [];
    expect(id, text).toBe(job.resultant_image_id);
    for (const name of ['rootfs', 'kernel', 'initrd']) {
      expect(text).toMatch(
        new RegExp(
          `s3://boot-images/${id}/${name} +[\\d.]+ MiB\\n +sha256 [0-9a-f]{64}\\n +md5 +[0-9a-f]{32}`,
        ),
      );
    }
    for (const line of [/builder root: yes/, /Install the root of the image/]) {
      expect(text).toMatch(line);
    }
    expect(text).toContain(`./bin/kiln images boot ${id} --server ${service.url}\n`);
  });
});

describe('an image made from debian-barebones', () => {
  it('is a record that points at a manifest 1.0 which lists what was published', async () => {
    const image = await service.client.images.get(job.resultant_image_id ?? '');
    const manifestPath = `s3://boot-images/${image.id}/manifest.json`;

    expect(image).toMatchObject({ name: 'debian-barebones', arch: 'x86_64', job_id: job.id });
    expect(image.link).toMatchObject({ path: manifestPath, type: 's3' });
    const types = artifacts.map((each) => each.type);
    expect(types).toEqual(
      expect.arrayContaining([
        ARTIFACT_MEDIA_TYPES.rootfs,
        ARTIFACT_MEDIA_TYPES.kernel,
        ARTIFACT_MEDIA_TYPES.initrd,
      ]),
    );
    expect(artifacts.map((each) => each.path)).toEqual(
      expect.arrayContaining(
        ['rootfs', 'kernel', 'initrd'].map((name) => `s3://boot-images/${image.id}/${name}`),
      ),
    );
    const manifestUrl = artifact(ARTIFACT_MEDIA_TYPES.rootfs).download_url;
    expect(manifestUrl).toContain('/kiln/v1/objects/boot-images/');
  });

  it('has artifacts with the checksums that the manifest and the store name', async () => {
    for (const each of artifacts) {
      const data = await download(each.download_url);
      expect(data.length).toBe(each.size_bytes);
      expect(digest('md5', data)).toBe(each.md5);
      expect(digest('sha256', data)).toBe(each.sha256);
      await writeFile(join(folder, each.path.split('/').at(-1) ?? ''), data);
    }
  });

  it('has a root that holds what the recipe names, owned by root, without keys, caches and left-overs', async () => {
    const rootfs = join(folder, 'rootfs');
    const listing = (await runCommand(['unsquashfs', '-lln', rootfs])).stdout;
    const status = (await runCommand(['unsquashfs', '-cat', rootfs, 'var/lib/dpkg/status'])).stdout;

    for (const name of ['openssh-server', 'linux-image-amd64', 'dracut-live', 'systemd-sysv', 'curl']) {
      expect(status).toContain(`\nPackage: ${name}\n`.trimStart());
    }
    expect(listing).toMatch(/-rwsr-xr-x 0\/0 .*squashfs-root\/usr\/bin\/passwd/);
    expect(listing).not.toMatch(/ssh_host_.*_key/);
    expect(listing).not.toMatch(/squashfs-root\/image(\/|$)/m);
    expect(listing).not.toMatch(/squashfs-root\/var\/cache\/apt\/archives\/.*\.deb/);
    expect(listing).not.toMatch(/ (1000000\d{3,}|65534)\//);
    expect(listing).not.toMatch(/squashfs-root\/(proc|sys)\/./);
  });

  it('tells how it was made: every step with its times, a log without gaps, nothing left on the host', async () => {
    expect(job.steps.map((step) => step.name)).toEqual(stepsOf('create', false).map((step) => step.name));
    for (const step of job.steps) {
      expect(['done', 'cached', 'skipped'], step.name).toContain(step.state);
      expect(step.state === 'skipped' || (step.started !== null && step.finished !== null), step.name).toBe(
        true,
      );
    }
    const lines: number[] = [];
    for await (const line of service.client.jobs.log(job.id)) {
      lines.push(line.line);
    }
    expect(lines).toEqual(Array.from({ length: job.log_lines }, (_, index) => index + 1));
    expect(lines.length).toBeGreaterThan(100);
    await expectNothingLeft(service, job.id);
  });

  it('trusts the platform, whose authority its package manager had to do without at first', async () => {
    const root = join(folder, 'root');
    await run('unsquashfs', ['-quiet', '-no-progress', '-dest', root, join(folder, 'rootfs')]);
    const early = (await logOf(service, job.id)).filter((line) =>
      line.includes('The image has no bundle yet'),
    );
    expect(early).toHaveLength(1);
    const owner = await run('chroot', [root, 'dpkg', '-S', '/etc/cray/ca/certificate_authority.crt']);
    expect(owner).toBe('kiln-platform-ca: /etc/cray/ca/certificate_authority.crt\n');
    const trusted = ['-CApath', '/etc/ssl/certs'];
    expect(await connectFrom(root, packagesPortOf(service), trusted)).toContain('Verify return code: 0 (ok)');
    const other = await testAuthority(join(folder, 'other'));
    await using stranger = await startTlsServer(other);
    other.close();
    expect(await connectFrom(root, stranger.port, trusted)).toMatch(/Verify return code: (?!0 )/);
  });

  customizedDebian(() => ({ service, folder, job }));

  it('can be deleted with all its objects', async () => {
    const id = job.resultant_image_id ?? '';
    const [one] = artifacts;

    const deleted = await service.kiln(['images', 'delete', id, '--yes']);

    expect(deleted.exitCode, deleted.tail.join('\n')).toBe(0);
    await waitFor(async () => ((await fetch(one?.download_url ?? '')).status === 404 ? true : undefined), {
      timeoutMs: 60_000,
      describe: () => `${one?.path} to be gone`,
    });
  });
});

describe('the service of the quickstart', () => {
  it('ends when it is told to in the way that was shown, and leaves nothing', async () => {
    const [, pid] = /^Stop it with +kill (\d+)$/m.exec(first.output()) ?? [];
    process.kill(Number(pid), 'SIGTERM');
    await expectNothingLeftIn(state, first);
  });
});
