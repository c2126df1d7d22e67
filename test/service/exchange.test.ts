/** Export and import of everything, and taking over an IMS, between real services over HTTP. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { extract, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { takeoverArchive } from '../../src/cli/takeover.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import type { ImportMode } from '../../src/contract/exchange.ts';
import { ARTIFACT_MEDIA_TYPES, type Image } from '../../src/contract/images.ts';
import { nodeOf } from '../../src/features/nodes/store.ts';
import type { ObjectAddress } from '../../src/features/objects/store.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let here: InProcessService;
let there: InProcessService;
beforeEach(async () => {
  here = await startInProcess({ openStore: openEmbeddedObjectStore });
  there = await startInProcess({ openStore: openEmbeddedObjectStore });
});
afterEach(async () => {
  await here.close();
  await there.close();
});

const clientOf = (service: InProcessService): KilnClient =>
  createClient({ baseUrl: service.url, fetch: checkedFetch });

async function put(service: InProcessService, address: ObjectAddress, text: string, metadata = {}) {
  return await service.objects.put(address, Readable.from([Buffer.from(text)]), { metadata });
}

/** An image with a root file system, in a service. */
async function addImage(service: InProcessService, name: string): Promise<Image> {
  const { images } = clientOf(service);
  const { id } = await images.create({ name, metadata: { colour: 'red' } });
  const bucket = 'boot-images';
  const rootfs = await put(service, { bucket, key: `${id}/rootfs` }, `root of ${name}`, { md5sum: 'x' });
  const link = { path: `s3://${bucket}/${id}/rootfs`, type: 's3', etag: rootfs.etag };
  const manifest = {
    version: '1.0',
    created: 'now',
    artifacts: [{ type: ARTIFACT_MEDIA_TYPES.rootfs, link }],
  };
  await put(service, { bucket, key: `${id}/manifest.json` }, JSON.stringify(manifest));
  return await images.update(id, { link: { path: `s3://${bucket}/${id}/manifest.json`, type: 's3' } });
}

async function addAll(service: InProcessService) {
  const client = clientOf(service);
  const image = await addImage(service, 'one');
  const buried = await addImage(service, 'buried');
  await client.images.delete(buried.id);
  await put(service, { bucket: 'ims', key: 'recipes/a/recipe.tar.gz' }, 'a recipe');
  const link = { path: 's3://ims/recipes/a/recipe.tar.gz', type: 's3' as const };
  await client.recipes.create({ name: 'recipe', linux_distribution: 'sles15', link });
  const { id } = await client.publicKeys.create({ name: 'key', public_key: 'ssh-ed25519 AAAA a\n' });
  const job = await client.jobs.create({
    job_type: 'create',
    artifact_id: (await client.recipes.list())[0]?.id ?? '',
    image_root_archive_name: 'x',
    public_key_id: id,
  });
  await client.jobs.cancel(job.id);
  await service.records.nodes.put(nodeOf({ xname: 'x3000c0s17b1n0' }));
  return { image, buried };
}

/** All that clients see of a service. */
async function view(service: InProcessService) {
  const client = clientOf(service);
  const [images, recipes, keys, buried, nodes, jobs] = await Promise.all([
    client.images.list(),
    client.recipes.list(),
    client.publicKeys.list(),
    client.deleted.images.list(),
    service.records.nodes.list(),
    fetch(`${service.url}/v3/jobs`).then((response) => response.json()),
  ]);
  return { images, recipes, keys, buried, nodes, jobs };
}

async function exportOf(service: InProcessService): Promise<Buffer> {
  const { body } = await clientOf(service).exchange.export();
  return await buffer(Readable.fromWeb(body as ReadableStream));
}

async function importInto(
  service: InProcessService,
  archive: Buffer,
  mode: ImportMode = 'add',
  dryRun = false,
) {
  const data = Readable.toWeb(Readable.from([archive])) as ReadableStream;
  return await clientOf(service).exchange.import(data, { mode, dryRun });
}

async function textOf(service: InProcessService, address: ObjectAddress): Promise<string> {
  return (await buffer((await service.objects.get(address)).data)).toString();
}

describe('an export', () => {
  it('is the same service elsewhere, with ids, dates, deleted records and metadata of objects', async () => {
    const { image, buried } = await addAll(here);
    const report = await importInto(there, await exportOf(here));
    expect(report).toMatchObject({ added: 6, kept: 0, removed: 0, objects_written: 6, problems: [] });
    expect(await view(there)).toEqual(await view(here));
    const rootfs: ObjectAddress = { bucket: 'boot-images', key: `${image.id}/rootfs` };
    expect(await textOf(there, rootfs)).toBe('root of one');
    expect(await there.objects.head(rootfs)).toMatchObject({ metadata: { md5sum: 'x' } });
    await clientOf(there).deleted.images.undelete(buried.id);
    expect(await clientOf(there).images.artifacts(buried.id)).toHaveLength(1);
  });

  it('imported twice changes nothing', async () => {
    await addAll(here);
    const archive = await exportOf(here);
    await importInto(there, archive);
    for (const mode of ['add', 'update', 'overwrite', 'soft_overwrite'] as const) {
      const report = await importInto(there, archive, mode);
      expect(report).toMatchObject({ added: 0, updated: 0, unchanged: 6, removed: 0, objects_written: 0 });
    }
    expect(await view(there)).toEqual(await view(here));
  });

  it('that is only looked at changes nothing', async () => {
    await addAll(here);
    const before = await view(there);
    const report = await importInto(there, await exportOf(here), 'overwrite', true);
    expect(report).toMatchObject({ dry_run: true, added: 6, objects_written: 6 });
    expect(await view(there)).toEqual(before);
  });
});

describe('what is there already', () => {
  it.each([
    ['add', 'changed', ['changed', 'own']],
    ['update', 'one', ['one', 'own']],
    ['overwrite', 'one', ['one']],
    ['soft_overwrite', 'one', ['one']],
  ] as const)('becomes as %s says', async (mode, name, names) => {
    const { image } = await addAll(here);
    const archive = await exportOf(here);
    await importInto(there, archive);
    const client = clientOf(there);
    await client.images.update(image.id, { name: 'changed' });
    const own = await addImage(there, 'own');
    const report = await importInto(there, archive, mode);
    expect((await client.images.get(image.id)).name).toBe(name);
    expect((await client.images.list()).map((each) => each.name)).toEqual(names);
    expect(report.removed).toBe(mode.endsWith('overwrite') ? 1 : 0);
    if (mode === 'soft_overwrite') {
      expect((await client.deleted.images.undelete(own.id)).name).toBe('own');
    }
    if (mode === 'overwrite') {
      expect(await there.objects.head({ bucket: 'boot-images', key: `${own.id}/rootfs` })).toBeUndefined();
    }
  });

  it('and deleted is left alone, or replaced when all is', async () => {
    const { image } = await addAll(here);
    const archive = await exportOf(here);
    await importInto(there, archive);
    await clientOf(there).images.delete(image.id);
    const kept = await importInto(there, archive, 'update');
    expect(kept.problems).toEqual([expect.stringMatching(/is deleted here/)]);
    await importInto(there, archive, 'overwrite');
    expect(await view(there)).toEqual(await view(here));
    expect(await clientOf(there).images.artifacts(image.id)).toHaveLength(1);
  });
});

describe('an archive that cannot be imported', () => {
  const tarOf = async (entries: Record<string, string>): Promise<Buffer> => {
    const archive = pack();
    for (const [name, text] of Object.entries(entries)) {
      archive.entry({ name }, text);
    }
    archive.finalize();
    return await buffer(Readable.from(archive));
  };

  it.each([
    ['is no tar', async () => Buffer.from('nothing'.repeat(200))],
    ['is empty', async () => Buffer.alloc(1024)],
    ['begins with something else', () => tarOf({ 'readme.txt': 'x' })],
    ['has a document that is no JSON', () => tarOf({ 'kiln-export.json': '{' })],
    ['has a document of another kind', () => tarOf({ 'kiln-export.json': '{"version": 7}' })],
  ])('because it %s is refused', async (_name, archive) => {
    await expect(importInto(there, await archive())).rejects.toMatchObject({ code: 'import-unreadable' });
  });

  it('because it breaks off leaves nothing behind', async () => {
    const { image } = await addAll(here);
    const archive = await exportOf(here);
    const objects: string[] = [];
    const tar = extract();
    void pipeline(Readable.from([archive]), tar);
    for await (const entry of tar) {
      objects.push(entry.header.name);
      entry.resume();
    }
    // The last object is cut short.
    const cut = archive.subarray(0, archive.lastIndexOf(Buffer.from(objects.at(-1) ?? '')) + 520);
    await expect(importInto(there, cut)).rejects.toMatchObject({ code: 'import-unreadable' });
    expect(await clientOf(there).images.list()).toEqual([]);
    expect(await there.objects.head({ bucket: 'boot-images', key: `${image.id}/rootfs` })).toBeUndefined();
  });

  it('because its objects are damaged leaves nothing behind', async () => {
    await addAll(here);
    const archive = await exportOf(here);
    const place = archive.lastIndexOf(Buffer.from('root of one'));
    archive.write('ROOT', place);
    await expect(importInto(there, archive)).rejects.toMatchObject({ code: 'checksum-mismatch' });
    expect(await clientOf(there).images.list()).toEqual([]);
    for await (const object of there.objects.list('boot-images', '')) {
      expect(object).toBeUndefined();
    }
  });
});

describe('an IMS', () => {
  const imageId = '2f6d2a3e-6a1a-4f5e-9d0e-0f3f1f0f5a01';
  const recipeId = '2f6d2a3e-6a1a-4f5e-9d0e-0f3f1f0f5a02';
  const keyId = '2f6d2a3e-6a1a-4f5e-9d0e-0f3f1f0f5a03';
  const manifest = JSON.stringify({
    version: '1.0',
    created: '2023-01-01 00:00:00.000000',
    artifacts: [
      {
        type: ARTIFACT_MEDIA_TYPES.rootfs,
        md5: 'x',
        link: { path: `s3://boot-images/${imageId}/rootfs`, etag: '', type: 's3' },
      },
    ],
  });
  const images = [
    {
      id: imageId,
      created: '2023-04-05T06:07:08.123456+00:00',
      name: 'compute',
      link: { path: `s3://boot-images/${imageId}/manifest.json`, etag: '', type: 's3' },
      arch: 'x86_64',
      metadata: { 'sbps-project': 'true' },
    },
  ];
  const recipes = [
    {
      id: recipeId,
      created: '2023-04-05T06:07:08',
      name: 'recipe',
      recipe_type: 'kiwi-ng',
      linux_distribution: 'sles15',
      link: null,
      template_dictionary: [{ key: 'A', value: '1' }],
      arch: 'aarch64',
      require_dkms: true,
    },
  ];
  const keys = [
    { id: keyId, created: '2023-04-05T06:07:08.000001', name: 'key', public_key: 'ssh-rsa AAAA\n' },
  ];
  const job = {
    id: '2f6d2a3e-6a1a-4f5e-9d0e-0f3f1f0f5a04',
    created: '2023-04-05T06:07:08',
    job_type: 'create',
    artifact_id: recipeId,
    public_key_id: keyId,
    image_root_archive_name: 'compute',
    status: 'success',
    enable_debug: false,
    build_env_size: 60,
    job_mem_size: 8,
    kernel_file_name: 'vmlinuz',
    initrd_file_name: 'initrd',
    kernel_parameters_file_name: 'kernel-parameters',
    resultant_image_id: imageId,
    ssh_containers: null,
    arch: 'x86_64',
    require_dkms: true,
  };
  const jobs = [job, { ...job, id: '2f6d2a3e-6a1a-4f5e-9d0e-0f3f1f0f5a05', status: 'building_image' }];
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-takeover-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const takeOver = async (source: string) => {
    const { data } = await takeoverArchive(source);
    const body = Readable.toWeb(Readable.from(data)) as ReadableStream;
    return await clientOf(there).exchange.import(body, { mode: 'add', dryRun: false });
  };
  const expectAll = async () => {
    const get = async (path: string) => (await fetch(there.url + path)).json();
    expect(await get('/v3/images')).toMatchObject([
      { ...images[0], created: expect.stringMatching(/^2023-04-05T06:07:08/) },
    ]);
    expect(await get('/v3/recipes')).toMatchObject([
      { ...recipes[0], created: expect.stringMatching(/^2023-04-05T06:07:08/) },
    ]);
    expect(await get('/v3/public-keys')).toMatchObject([{ id: keyId, public_key: 'ssh-rsa AAAA\n' }]);
    const { kernel_file_name, ...kept } = job;
    expect(await get('/v3/jobs')).toMatchObject([
      { ...kept, created: expect.stringMatching(/^2023-04-05T06:07:08/) },
    ]);
  };

  it('is taken over from its data folder, whose objects are in the store already', async () => {
    await put(there, { bucket: 'boot-images', key: `${imageId}/manifest.json` }, manifest);
    const write = (name: string, records: unknown) => writeFile(join(folder, name), JSON.stringify(records));
    await write('v2_public_keys.json', keys);
    await write('v2.0_images.json', []);
    await write('v2.1_images.json', images);
    await write('v2.2_recipes.json', recipes);
    await write('v3.1_deleted_images.json', []);
    await write('v2.4_jobs.json', jobs);
    await write('v2.0_remote_build_nodes.json', [{ xname: 'x1' }]);
    const report = await takeOver(folder);
    expect(report).toMatchObject({
      added: 5,
      problems: [expect.stringMatching(/job .*5a05 was left out.*building/)],
    });
    await expectAll();
  });

  it.each(['packed', 'unpacked'])('is taken over from a %s backup of the CSM scripts', async (form) => {
    const document = JSON.stringify({
      created: '2023-05-05',
      ims_data: {
        images,
        recipes,
        public_keys: keys,
        jobs,
        deleted: { images: [], recipes: [], public_keys: [] },
      },
      s3_data: { artifacts: [], buckets: [] },
    });
    const objects = { [`${imageId}/manifest.json`]: manifest, [`${imageId}/rootfs`]: 'a root' };
    let source = folder;
    if (form === 'packed') {
      const archive = pack();
      for (const [key, text] of Object.entries(objects)) {
        archive.entry({ name: `backup/s3_artifacts/boot-images/${key}` }, text);
      }
      archive.entry({ name: 'backup/export.json' }, document);
      archive.finalize();
      source = join(folder, 'backup.tar');
      await writeFile(source, await buffer(Readable.from(archive)));
    } else {
      const base = join(folder, 's3_artifacts', 'boot-images', imageId);
      await mkdir(base, { recursive: true });
      await writeFile(join(base, 'manifest.json'), manifest);
      await writeFile(join(base, 'rootfs'), 'a root');
      await writeFile(join(folder, 'export.json'), document);
    }
    expect(await takeOver(source)).toMatchObject({ added: 4, objects_written: 2 });
    await expectAll();
    expect(await clientOf(there).images.artifacts(imageId)).toMatchObject([{ size_bytes: 6 }]);
  });

  it('says which records it cannot take, and takes the others', async () => {
    const write = (name: string, records: unknown) => writeFile(join(folder, name), JSON.stringify(records));
    await write('v2.1_images.json', [...images, { id: 'no-uuid', name: 'x' }]);
    const { added, problems } = await takeOver(folder);
    expect([added, problems]).toEqual([
      1,
      [
        expect.stringMatching(/image no-uuid was left out: \/id/),
        expect.stringMatching(/manifest.json, which is not in the store/),
      ],
    ]);
  });

  it('is not what any folder holds', async () => {
    await writeFile(join(folder, 'other.json'), '[]');
    await expect(takeoverArchive(folder)).rejects.toThrow(/neither data files of an IMS/);
  });
});
