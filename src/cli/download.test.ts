import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StandIn, startStandIn } from '../client/testing/service.ts';
import type { ImageArtifact } from '../contract/images.ts';
import { downloadArtifact } from './download.ts';

const CONTENT = Buffer.from('the root file system');

let store: StandIn;
let folder: string;
let rootfs: ImageArtifact;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-download-'));
  store = await startStandIn();
  store.on('GET /rootfs', (_asked, response) => response.end(CONTENT));
  rootfs = {
    type: 'application/vnd.cray.image.rootfs.squashfs',
    path: 's3://boot-images/x/rootfs',
    size_bytes: CONTENT.length,
    md5: '',
    sha256: createHash('sha256').update(CONTENT).digest('hex'),
    etag: '',
    download_url: `${store.url}/rootfs?signature=s`,
    expires: '',
  };
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
const { signal } = new AbortController();

test('a download is there under its name once it is verified', async () => {
  await downloadArtifact(rootfs, join(folder, 'rootfs'), signal);

  expect(await readdir(folder)).toEqual(['rootfs']);
  expect(await readFile(join(folder, 'rootfs'))).toEqual(CONTENT);
});

test('a download whose bytes are others leaves nothing', async () => {
  const wrong = downloadArtifact({ ...rootfs, sha256: 'other' }, join(folder, 'rootfs'), signal);

  await expect(wrong).rejects.toMatchObject({ code: 'checksum-mismatch' });
  expect(await readdir(folder)).toEqual([]);
});

test('a download that breaks off leaves nothing', async () => {
  store.on('GET /rootfs', (_asked, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write(CONTENT, () => response.destroy());
  });

  await expect(downloadArtifact(rootfs, join(folder, 'rootfs'), signal)).rejects.toThrow();
  expect(await readdir(folder)).toEqual([]);
});
