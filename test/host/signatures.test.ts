/**
 * What is verified of a build, with real signatures: packages signed by the right key, by another one and by none, from
 * repositories whose metadata is signed by the service; with each package manager that the builder root has.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKey, readPrivateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { createJob, logOf, untilOver } from '../support/jobs.ts';
import { startService, type TestService } from '../support/kiln.ts';
import { run } from '../support/run.ts';
import {
  makeTinyRpm,
  registerTinyRpm,
  TINY_RPM,
  TINY_SCRIPT,
  type TinyRpmRecipe,
} from '../support/tiny-rpm.ts';

let service: TestService;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-signatures-'));
  service = await startService({ 'repositories.wait_seconds': '5' });
  const [right, wrong] = [await makeKey('Right'), await makeKey('Wrong')];
  const packages = {
    right: await makeTinyRpm(right),
    wrong: await makeTinyRpm(wrong),
    unsigned: await makeTinyRpm(),
  };
  await writeFile(join(folder, TINY_RPM), packages.right);
  for (const [name, data] of Object.entries(packages)) {
    await kiln('repositories', 'create', name);
    await writeFile(join(folder, TINY_RPM), data);
    await kiln('repositories', 'upload', name, join(folder, TINY_RPM));
  }
  await writeFile(join(folder, 'right.asc'), right.publicKey);
});
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

async function makeKey(name: string) {
  const { privateKey: armored, publicKey } = await generateKey({
    type: 'rsa',
    rsaBits: 2048,
    userIDs: [{ name }],
    format: 'armored',
  });
  const fingerprint = (await readPrivateKey({ armoredKey: armored })).getFingerprint().toUpperCase();
  return { armored, publicKey, fingerprint };
}

async function kiln(...words: string[]): Promise<string> {
  const result = await service.kiln(words);
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  return result.stdout;
}

async function build(manager: TinyRpmRecipe['manager'], repository: string, attributes = ''): Promise<Job> {
  const url = `https://packages.local/repository/${repository}`;
  const recipe = await registerTinyRpm(service, { manager, url, attributes });
  return await untilOver(service, (await createJob(service, recipe)).id);
}

const evidence = async (job: Job) => (await logOf(service, job.id)).slice(-40).join('\n');
/** Of the rpm database of the image, in which each key is a package. */
async function keysIn(job: Job): Promise<string[]> {
  const root = join(folder, job.id);
  const [rootfs] = await service.client.images.artifacts(job.resultant_image_id ?? '');
  const answer = await fetch(rootfs?.download_url ?? '');
  await writeFile(`${root}.squashfs`, Buffer.from(await answer.arrayBuffer()));
  await run('unsquashfs', ['-quiet', '-no-progress', '-dest', root, `${root}.squashfs`]);
  const builder = (await testBuilderRoot()).path;
  const script =
    'mount -o ro "$1" "$2" && mount --bind "$3" "$2/mnt" && exec chroot "$2" rpm --root /mnt -qa';
  const tools = await mkdtemp(join(folder, 'tools-'));
  const listed = await run('unshare', ['--mount', 'sh', '-euc', script, 'sh', builder, tools, root]);
  expect(listed).toContain('tiny-base');
  return listed.split('\n').filter((name) => name.startsWith('gpg-pubkey'));
}

const noteOf = (job: Job) => job.steps.find(({ name }) => name === 'prepare')?.note;

describe('without any signing key', () => {
  it('a recipe that says nothing is built as ever, and the job says what was not verified', async () => {
    const job = await build('zypper', 'wrong');
    expect(job.state, await evidence(job)).toBe('succeeded');
    expect(noteOf(job)).toContain('not verified: custom-repo');
    expect(await evidence(job).then(() => logOf(service, job.id))).toContainEqual(
      expect.stringContaining('"custom-repo" is not verified: no signing key is known'),
    );
  });

  it('a recipe that wants packages verified is not built from what nobody vouches for', async () => {
    const job = await build('dnf5', 'wrong', 'package_gpgcheck="true"');
    expect(job.reason?.code, await evidence(job)).toBe('package-signature-wrong');
  });
});

describe('with a signing key', () => {
  beforeAll(async () => {
    await kiln('signing-keys', 'add', join(folder, 'right.asc'));
  });

  it.each(['zypper', 'dnf5', 'dnf4'] as const)('%s takes what it has signed', async (manager) => {
    const job = await build(manager, 'right');
    expect(job.state, await evidence(job)).toBe('succeeded');
    expect(noteOf(job)).not.toContain('not verified');
    expect((await logOf(service, job.id)).join('\n')).toContain(TINY_SCRIPT);
    expect(await keysIn(job)).toEqual([]);
  });

  it.each([
    ['zypper', 'wrong'],
    ['zypper', 'unsigned'],
    ['dnf5', 'wrong'],
    ['dnf5', 'unsigned'],
    ['dnf4', 'wrong'],
    ['dnf4', 'unsigned'],
  ] as const)(
    '%s refuses what is %s before anything of it runs, and names it',
    async (manager, repository) => {
      const job = await build(manager, repository);
      expect(job.reason?.code, await evidence(job)).toBe('package-signature-wrong');
      expect(job.reason?.detail).toContain('tiny-base-1.0-1.noarch');
      expect((await logOf(service, job.id)).join('\n')).not.toContain(TINY_SCRIPT);
    },
  );

  it.each(['zypper', 'dnf5'] as const)(
    'an image keeps the key when its nodes verify the repository that it has, with %s',
    async (manager) => {
      const job = await build(manager, 'right', 'package_gpgcheck="true"');
      expect(job.state, await evidence(job)).toBe('succeeded');
      expect(await keysIn(job)).not.toEqual([]);
    },
  );

  it('what is not signed is taken where the recipe says so, and the job says it, too', async () => {
    const job = await build('dnf5', 'unsigned', 'package_gpgcheck="false"');
    expect(job.state, await evidence(job)).toBe('succeeded');
    expect(noteOf(job)).toContain('not verified: custom-repo');
  });

  it.each(['zypper', 'dnf5', 'dnf4'] as const)(
    'the metadata of our own repositories vouches for packages that nobody has signed, with %s',
    async (manager) => {
      const job = await build(manager, 'unsigned', 'package_gpgcheck="false" repository_gpgcheck="true"');
      expect(job.state, await evidence(job)).toBe('succeeded');
      expect(noteOf(job)).not.toContain('not verified');
    },
  );
});
