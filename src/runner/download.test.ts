import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeControlPlane, startFakeControlPlane } from '../../test/support/fake-control-plane.ts';
import { download } from './download.ts';
import { testContext } from './testing/context.ts';
import { testDocument } from './testing/document.ts';

const root = randomBytes(1_000_001);
const digest = (algorithm: string) => createHash(algorithm).update(root).digest('hex');

let plane: FakeControlPlane;
let folder: string;
beforeEach(async () => {
  plane = await startFakeControlPlane(root);
  folder = await mkdtemp(join(tmpdir(), 'kiln-download-'));
});
afterEach(async () => {
  await plane.close();
  await rm(folder, { recursive: true });
});

async function downloaded(partBytes: number, also: { md5?: string | null; sha256?: string | null } = {}) {
  const known = { md5: digest('md5'), sha256: digest('sha256'), ...also };
  const source = { ...testDocument().source, url: `${plane.url}/recipe`, size_bytes: root.length, ...known };
  const file = await open(join(folder, 'file'), 'w');
  try {
    return await download(testContext(testDocument({ source }), folder), source, file, partBytes);
  } finally {
    await file.close();
  }
}

it.each([100_000, 333_667, 1_000_001, 5_000_000])(
  'puts parts of %i bytes together in their order',
  async (bytes) => {
    expect(await downloaded(bytes)).toBe(digest('sha256'));
    expect((await readFile(join(folder, 'file'))).equals(root)).toBe(true);
    expect(plane.requests.length).toBe(Math.ceil(root.length / bytes));
  },
);

it('asks for several parts at once, and goes on in those whose connections broke', async () => {
  plane.breakRecipeAfter.push(7, 0, 90_000);
  expect(await downloaded(100_000)).toBe(digest('sha256'));
  expect((await readFile(join(folder, 'file'))).equals(root)).toBe(true);
  expect(plane.requests.slice(0, 4).map((line) => line.replace('GET /recipe ', ''))).toEqual([
    'bytes=0-99999',
    'bytes=100000-199999',
    'bytes=200000-299999',
    'bytes=300000-399999',
  ]);
});

it('finds out other bytes by the digest that is known', async () => {
  await expect(downloaded(400_000, { sha256: null, md5: '0'.repeat(32) })).rejects.toThrow('md5');
  await expect(downloaded(400_000, { sha256: '0'.repeat(64) })).rejects.toMatchObject({
    code: 'checksum-mismatch',
  });
  expect(await downloaded(400_000, { sha256: null, md5: null })).toBe(digest('sha256'));
});
