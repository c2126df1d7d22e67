import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeControlPlane, startFakeControlPlane } from '../../../test/support/fake-control-plane.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { testContext } from '../testing/context.ts';
import { testDocument } from '../testing/document.ts';
import type { ArtifactFile } from './boot-files.ts';
import { manifestTime, publish } from './publish.ts';

const data = { rootfs: randomBytes(3_000_000), kernel: randomBytes(1_000_000), initrd: randomBytes(500_000) };

let plane: FakeControlPlane;
let folder: string;
let files: ArtifactFile[];
beforeEach(async () => {
  plane = await startFakeControlPlane();
  folder = await mkdtemp(join(tmpdir(), 'kiln-publish-'));
  files = (['kernel', 'initrd', 'rootfs'] as const).map((name) => ({ name, path: join(folder, name) }));
  for (const { name, path } of files) {
    await writeFile(path, data[name as keyof typeof data]);
  }
  await mkdir(join(folder, 'out'));
  await writeFile(join(folder, 'out', 'packages.json'), '[]');
});
afterEach(async () => {
  await plane.close();
  await rm(folder, { recursive: true });
});

function context(also: Partial<JobDocument> = {}) {
  const base = testDocument();
  const upload = (name: string) => ({
    url: `${plane.url}/${name}`,
    path: `s3://boot-images/${base.image.id}/${name}`,
  });
  const uploads = {
    rootfs: upload('rootfs'),
    kernel: upload('kernel'),
    initrd: upload('initrd'),
    boot_parameters: upload('boot_parameters'),
    packages: upload('packages.json'),
    history: upload('history.json'),
    recordings: [upload('1.cast'), upload('2.cast')],
    manifest: upload('manifest.json'),
  };
  return testContext(testDocument({ image: { id: base.image.id, uploads }, ...also }), folder);
}

describe('publish', () => {
  it('uploads the artifacts and a manifest that lists them as the store has them', async () => {
    const artifacts = await publish.run(context(), files);

    expect(artifacts.map((artifact) => artifact.link.path.split('/').at(-1))).toEqual([
      'rootfs',
      'kernel',
      'initrd',
    ]);
    for (const [name, bytes] of Object.entries(data)) {
      expect(plane.uploads.get(name)?.equals(bytes), name).toBe(true);
    }
    const manifest = JSON.parse(plane.uploads.get('manifest.json')?.toString() ?? '');
    expect(plane.uploads.get('packages.json')?.toString()).toBe('[]');
    expect(manifest).toMatchObject({ version: '1.0', artifacts });
    expect(manifest.created).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
    expect(artifacts[0]).toMatchObject({
      type: 'application/vnd.cray.image.rootfs.squashfs',
      size_bytes: 3_000_000,
      sha256: createHash('sha256').update(data.rootfs).digest('hex'),
    });
  });

  it('uploads the history of a customized image and what its shells showed, which no manifest names', async () => {
    await mkdir(join(folder, 'history'));
    await writeFile(join(folder, 'history', '2.cast'), 'a recording');
    await writeFile(join(folder, 'out', 'history.json'), '{}');
    await publish.run(context({ job_type: 'customize' }), files);

    const names = ['packages.json', 'history.json', '1.cast', '2.cast'];
    expect(names.map((name) => plane.uploads.get(name)?.toString())).toEqual([
      '[]',
      '{}',
      undefined,
      'a recording',
    ]);
    expect(plane.uploads.get('manifest.json')?.toString()).not.toMatch(/history|cast/);
  });

  it.each([503, 'corrupt'] as const)('tries again after %s', async (fault) => {
    plane.uploadFaults.push(fault);

    await publish.run(context(), files);

    expect(plane.uploads.get('rootfs')?.equals(data.rootfs)).toBe(true);
    expect(plane.requests).toHaveLength(6);
  });

  it('does not try again what the store will refuse again', async () => {
    plane.uploadFaults.push(403, 403);

    await expect(publish.run(context(), files)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('publishes no link, wherever it leads', async () => {
    await rm(join(folder, 'kernel'));
    await symlink('/etc/hostname', join(folder, 'kernel'));

    await expect(publish.run(context(), files)).rejects.toThrow(/ELOOP|symbolic/);
    expect(plane.requests).toEqual([]);
  });
});

it('writes times as manifests have them', () => {
  expect(manifestTime(new Date('2026-02-03T04:05:06.789Z'))).toBe('2026-02-03 04:05:06.789000');
});
