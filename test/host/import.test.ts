/** Root file systems that were made elsewhere become images, through the API and the command line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBuilderRoot } from '../support/builder-root.ts';
import { startService, type TestService } from '../support/kiln.ts';
import { run } from '../support/run.ts';

/** A root with a kernel that looks like one, an initrd, owners, modes, capabilities, hard links and a device. */
const MAKE_ROOT = `
cd "$1"
mkdir -p boot etc usr/bin var/lib/dpkg dev proc srv
head -c 510 /dev/zero > boot/vmlinuz-6.1.0-9-amd64
printf '\\125\\252\\0\\0HdrSnine' >> boot/vmlinuz-6.1.0-9-amd64
echo initrd-of-nine > boot/initrd.img-6.1.0-9-amd64
printf 'Package: bash\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 5.2-1\\n' > var/lib/dpkg/status
echo hello > srv/one; ln srv/one srv/two; ln -s one srv/link
install -o 33 -g 34 -m 4755 /dev/null usr/bin/odd
setcap cap_net_raw+ep usr/bin/odd
mknod dev/null c 1 3
`;

describe('an import', () => {
  let service: TestService;
  let folder: string;
  let root: string;
  beforeAll(async () => {
    await testBuilderRoot();
    service = await startService();
    folder = await mkdtemp(join(tmpdir(), 'kiln-import-'));
    root = join(folder, 'root');
    await run('mkdir', [root]);
    await run('sh', ['-euc', MAKE_ROOT, 'sh', root]);
  });
  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['a squashfs', 'root.squashfs', ['mksquashfs', '.', 'FILE', '-quiet', '-no-progress']],
    ['a tar.gz', 'root.tar.gz', ['tar', '--xattrs', '--xattrs-include=*', '-czf', 'FILE', '.']],
    ['a tar.xz', 'root.tar.xz', ['tar', '--xattrs', '--xattrs-include=*', '-cJf', 'FILE', '.']],
  ])('of %s is a proper image', async (_name, name, words) => {
    const file = join(folder, name);
    const [program = '', ...rest] = words.map((word) => (word === 'FILE' ? file : word));
    await run('sh', ['-euc', 'cd "$0"; exec "$@"', root, program, ...rest]);
    const imported = await service.kiln([
      'images',
      'import',
      file,
      '--name',
      name,
      '--build-env-size',
      '1',
      '--format',
      'json',
    ]);
    expect(imported.exitCode, imported.tail.join('\n')).toBe(0);
    const image = JSON.parse(imported.stdout) as { id: string; name: string };
    expect(image.name).toBe(name);

    const artifacts = await service.client.images.artifacts(image.id);
    expect(artifacts.map(({ path }) => path.split('/').at(-1))).toEqual(['rootfs', 'kernel', 'initrd']);
    const rootfs = await fetch(artifacts[0]?.download_url ?? '');
    const squashfs = join(folder, `${name}.published`);
    await writeFile(squashfs, Buffer.from(await rootfs.arrayBuffer()));
    const out = join(folder, `${name}.out`);
    await run('unsquashfs', ['-quiet', '-no-progress', '-dest', out, squashfs]);
    const facts = await run('sh', [
      '-euc',
      'cd "$0"; stat -c "%a %u %g %h %n" usr/bin/odd srv/one; readlink srv/link; getcap usr/bin/odd; ls dev',
      out,
    ]);
    expect(facts.split('\n')).toEqual([
      '4755 33 34 1 usr/bin/odd',
      '644 0 0 2 srv/one',
      'one',
      'usr/bin/odd cap_net_raw=ep',
      '',
    ]);
    const [job] = (await service.client.jobs.list()).filter(
      ({ resultant_image_id }) => resultant_image_id === image.id,
    );
    expect(job?.steps.map(({ name: step, state }) => `${step} ${state}`)).toEqual([
      'fetch done',
      'unpack-root done',
      'boot-files done',
      'inventory done',
      'squash done',
      'publish done',
    ]);
    const wire = (await (await fetch(`${service.url}/v3/jobs`)).json()) as unknown[];
    expect(wire).toEqual([]);
  });

  it.each([
    ['is no archive', async (file: string) => writeFile(file, 'nothing of that kind'), 'root-unreadable'],
    [
      'has no kernel',
      async (file: string) => run('tar', ['-C', root, '-cf', file, 'etc', 'srv']),
      'boot-file-not-found',
    ],
    [
      'points out of itself',
      async (file: string) =>
        run('tar', ['-C', root, '-cPf', file, '--transform=s,^srv,../../../escaped,', 'srv']),
      'root-unreadable',
    ],
  ])('of a file that %s ends with a reason', async (_name, make, code) => {
    const file = join(folder, 'bad');
    await make(file);
    const result = await service.kiln([
      'images',
      'import',
      file,
      '--build-env-size',
      '1',
      '--format',
      'json',
    ]);
    expect(result.exitCode).toBe(1);
    const job = (await service.client.jobs.list()).at(-1);
    expect([job?.state, job?.reason?.code]).toEqual(['failed', code]);
  });

  it('of an image that is complete is refused', async () => {
    const [image] = (await service.client.images.list()).filter(({ link }) => link !== null);
    const job = service.client.jobs.create({
      job_type: 'import',
      artifact_id: image?.id ?? '',
      image_root_archive_name: 'again',
    });
    await expect(job).rejects.toMatchObject({ code: 'link-is-set' });
  });
});
