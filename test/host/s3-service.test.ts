/** The built service with its artifacts on a real S3 service, over TLS: an image is made, deleted, had back, purged. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBuilderRoot } from '../support/builder-root.ts';
import { type Ceph, cephIsThere, startCeph } from '../support/ceph.ts';
import { startService, type TestService } from '../support/kiln.ts';
import { run } from '../support/run.ts';

const MAKE_ROOT = `
cd "$1"
mkdir -p boot etc srv var/lib/dpkg
head -c 510 /dev/zero > boot/vmlinuz-6.1.0-9-amd64
printf '\\125\\252\\0\\0HdrSnine' >> boot/vmlinuz-6.1.0-9-amd64
echo initrd-of-nine > boot/initrd.img-6.1.0-9-amd64
printf 'Package: bash\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 5.2-1\\n' > var/lib/dpkg/status
head -c 30000000 /dev/urandom > srv/data
`;

describe.skipIf(!cephIsThere())('a service whose artifacts are on Ceph', () => {
  let ceph: Ceph;
  let service: TestService;
  let folder: string;
  beforeAll(async () => {
    await testBuilderRoot();
    ceph = await startCeph();
    folder = await mkdtemp(join(tmpdir(), 'kiln-s3-service-'));
    await writeFile(join(folder, 'access'), `${ceph.accessKeyId}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'secret'), `${ceph.secretAccessKey}\n`, { mode: 0o600 });
    service = await startService({
      'artifacts.store': 's3',
      's3.endpoint': ceph.tlsEndpoint,
      's3.ca_file': ceph.caFile,
      's3.region': 'default',
      's3.access_key_file': join(folder, 'access'),
      's3.secret_key_file': join(folder, 'secret'),
      's3.part_mib': '5',
    });
  });
  afterAll(async () => {
    await service?.close();
    await ceph?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('makes, deletes, takes back and purges an image there', async () => {
    const root = join(folder, 'root');
    const file = join(folder, 'root.tar');
    await run('mkdir', [root]);
    await run('sh', ['-euc', MAKE_ROOT, 'sh', root]);
    await run('tar', ['-C', root, '-cf', file, '.']);
    const imported = await service.kiln([
      'images',
      'import',
      file,
      '--name',
      'on ceph',
      '--build-env-size',
      '1',
      '--format',
      'json',
    ]);
    expect(imported.exitCode, imported.tail.join('\n') + service.output()).toBe(0);
    const { id } = JSON.parse(imported.stdout) as { id: string };

    const { images, deleted } = service.client;
    const [rootfs] = await images.artifacts(id);
    // Whoever has the address reads from Ceph itself; its own certificate is not what this test is about.
    const url = rootfs?.download_url ?? '';
    expect(url.startsWith(ceph.tlsEndpoint)).toBe(true);
    const squashfs = join(folder, 'rootfs');
    await run('curl', ['-sSf', '--cacert', ceph.caFile, '-o', squashfs, url]);
    expect((await run('sha256sum', [squashfs])).split(' ')[0]).toBe(rootfs?.sha256);
    expect(rootfs?.etag).toMatch(/-\d+$/);

    await images.delete(id);
    expect(await deleted.images.get(id)).toMatchObject({ name: 'on ceph' });
    await deleted.images.undelete(id);
    expect((await images.artifacts(id))[0]?.sha256).toBe(rootfs?.sha256);
    await images.delete(id);
    await deleted.images.purge(id);
    const gone = images.get(id);
    await expect(gone).rejects.toMatchObject({ code: 'image-not-found' });
  });

  it('has no S3 protocol of its own, and says where it is', async () => {
    const keys = service.client.s3.createCredentials({});
    await expect(keys).rejects.toMatchObject({ code: 's3-elsewhere' });
    expect((await fetch(`${service.url}/s3/ims`)).status).toBe(404);
  });

  it('keeps the keys to itself', async () => {
    expect(service.output()).not.toContain(ceph.secretAccessKey);
  });
});
