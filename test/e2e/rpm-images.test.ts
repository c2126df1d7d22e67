/**
 * Images of the SUSE and RHEL families, as a site makes them: packages in a hosted repository of the service, recipes that
 * name it as https://packages.local, built with zypper and with dnf5, looked into, and booted to their login prompt.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectionReport } from '../../src/contract/inspections.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { PACKAGE_ROOT } from '../../src/platform/package-root.ts';
import { ensureRpmDistribution } from '../rpm-distribution/index.ts';
import { createJob, logOf, untilOver } from '../support/jobs.ts';
import { expectNothingLeft, startService, type TestService } from '../support/kiln.ts';
import { register } from '../support/recipes.ts';
import { run } from '../support/run.ts';

let service: TestService;
let folder: string;

beforeAll(async () => {
  const distribution = await ensureRpmDistribution();
  folder = await mkdtemp(join(tmpdir(), 'kiln-rpm-images-'));
  service = await startService();
  const { main } = distribution.repositories;
  const rpms = (await readdir(main)).filter((name) => name.endsWith('.rpm')).map((name) => join(main, name));
  await kiln('repositories', 'create', 'kilnos');
  await kiln('repositories', 'upload', 'kilnos', ...rpms);
  await writeFile(join(folder, 'key.asc'), distribution.publicKey);
  await kiln('signing-keys', 'add', join(folder, 'key.asc'));
});
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

async function kiln(...words: string[]): Promise<string> {
  const result = await service.kiln(words);
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  return result.stdout;
}

async function build(recipe: string): Promise<Job> {
  const id = await register(service, recipe, join(PACKAGE_ROOT, 'test', 'fixtures', recipe), {});
  const created = await createJob(service, id, { image_root_archive_name: recipe, build_env_size: 8 });
  const job = await untilOver(service, created.id, 600_000);
  const evidence = `${JSON.stringify(job.reason)}\n${(await logOf(service, job.id)).slice(-60).join('\n')}`;
  expect(job.state, evidence).toBe('succeeded');
  return job;
}

async function unpack(job: Job): Promise<string> {
  const [rootfs] = await service.client.images.artifacts(job.resultant_image_id ?? '');
  const file = join(folder, `${job.id}.squashfs`);
  await writeFile(file, Buffer.from(await (await fetch(rootfs?.download_url ?? '')).arrayBuffer()));
  const root = join(folder, job.id);
  await run('unsquashfs', ['-quiet', '-no-progress', '-no-xattrs', '-dest', root, file]);
  await rm(file);
  return root;
}

/** The port at which nodes are served. */
const packagesPort = () => /Packages at https:\/\/[^:]+:(\d+)\//.exec(service.output())?.[1] ?? '';

describe.each([
  ['rpm-zypper', 'zypper'],
  ['rpm-dnf', 'dnf5'],
] as const)('an image of %s', (recipe, manager) => {
  let job: Job;
  let root: string;
  beforeAll(async () => {
    job = await build(recipe);
    root = await unpack(job);
  });

  it('holds what its recipe names: packages of both phases, users, services, overlay', async () => {
    const names = await run('chroot', [root, 'rpm', '-qa', '--qf', '%{NAME}\n']);
    expect(names.split('\n')).toEqual(
      expect.arrayContaining(['bash', 'systemd', 'linux-image-amd64', 'openssh-server', 'kiln-test-hello']),
    );
    expect(await run('chroot', [root, 'id', 'tester'])).toContain('uid=1000');
    expect(await run('sh', ['-c', 'ls "$0/etc/ssh"', root])).not.toMatch(/ssh_host_.*_key/);
    expect(await run('sh', ['-c', 'cat "$0/etc/hosts" 2>/dev/null || true', root])).not.toContain(
      'packages.local',
    );
    expect(await run('sh', ['-c', 'ls "$0"', root])).not.toMatch(/^image$/m);
    await expectNothingLeft(service, job.id);
  });

  it('has what a plan of its recipe promises, so that the plan of the next build differs in nothing', async () => {
    const planned = await kiln('recipes', 'plan', job.artifact_id, '--format', 'json');
    const { plan }: InspectionReport = JSON.parse(planned);
    expect(plan?.difference).toEqual({
      image_id: job.resultant_image_id,
      added: [],
      removed: [],
      changed: [],
    });
  });

  it('was verified, and says so', () => {
    expect(job.steps.find(({ name }) => name === 'prepare')?.note).not.toContain('not verified');
  });

  it('trusts the platform: its package owns the certificates, and a TLS connection from a chroot succeeds', async () => {
    const owner = await run('chroot', [root, 'rpm', '-qf', '/etc/cray/ca/certificate_authority.crt']);
    expect(owner).toContain('kiln-platform-ca');
    const address = `https://packages.local:${packagesPort()}/repository/kilnos/repodata/repomd.xml`;
    const resolve = `packages.local:${packagesPort()}:127.0.0.1`;
    expect(await run('chroot', [root, 'curl', '-sSf', '--resolve', resolve, address])).toContain('<repomd');
  });

  it('has the repository, so that its package manager goes on to use it on the node', async () => {
    const repos = manager === 'zypper' ? 'etc/zypp/repos.d' : 'etc/yum.repos.d';
    const text = await run('sh', ['-c', `cat "$0"/${repos}/*.repo`, root]);
    expect(text).toContain('https://packages.local/repository/kilnos');
    expect(text).not.toMatch(/password|:[^/]*@/);
  });

  it('boots over the network to its login prompt', async () => {
    const log = join(folder, `${recipe}.console`);
    const words = ['images', 'boot', job.resultant_image_id ?? '', '--until', 'login:', '--timeout', '800'];
    // Two emulated processors now and then run a half-patched instruction of this kernel: see docs/rpm-fixture.md.
    const machine = ['--cpus', '1', '--console-log', log];
    const patience =
      'systemd.default_device_timeout_sec=500 systemd.default_timeout_start_sec=500 nowatchdog';
    const boot = await service.kiln([...words, ...machine, '--append', patience], { timeoutMs: 850_000 });
    expect(boot.exitCode, boot.tail.slice(-40).join('\n')).toBe(0);
  });
});
