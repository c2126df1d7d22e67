/** The cache of builder roots on the real file system; nothing here makes a whole one. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type BuilderRootOptions, createBuilderRoots } from '../../src/builder/builder-root.ts';
import { HOST_ARCHITECTURE } from '../../src/builder/emulation.ts';
import { ARCHITECTURES } from '../../src/contract/common.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { processesWith } from '../support/kiln.ts';

let cacheFolder: string;
let server: Server | undefined;

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'kiln-roots-'));
});
afterEach(async () => {
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
  await rm(cacheFolder, { recursive: true, force: true });
});

function roots(options: Partial<BuilderRootOptions> = {}) {
  return createBuilderRoots({
    cacheFolder,
    suite: 'forky',
    mirror: 'http://mirror.example.org/debian',
    extraPackages: [],
    ...options,
  });
}

async function cache(digest: string): Promise<void> {
  const folder = join(cacheFolder, 'builder-roots', digest);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'root.squashfs'), 'squashed');
  await writeFile(
    join(folder, 'root.json'),
    JSON.stringify({ suite: 'forky', created: '2026-01-01T00:00:00Z' }),
  );
}

it('has an address that follows from what decides the content, and not from the mirror', () => {
  const digest = roots().digest();
  expect(digest).toMatch(/^[0-9a-f]{32}$/);
  expect(roots({ mirror: 'http://other.example.org/debian' }).digest()).toBe(digest);
  expect(roots({ suite: 'sid' }).digest()).not.toBe(digest);
  expect(roots({ extraPackages: ['vim'] }).digest()).not.toBe(digest);
});

it('has one for each machine, and prunes neither', async () => {
  const all = roots();
  const [here, there] = ARCHITECTURES.map((arch) => all.digest(arch));
  expect(here).not.toBe(there);
  await cache(here ?? '');
  await cache(there ?? '');
  expect(await all.ensure({}, 'aarch64')).toMatchObject({ digest: all.digest('aarch64'), reused: true });
  expect(await all.prune({ dryRun: false })).toEqual([]);
});

it.runIf(HOST_ARCHITECTURE === 'x86_64')(
  'makes one for another machine in a sandbox, and leaves nothing when that fails',
  async () => {
    const all = roots({ mirror: 'http://mirror.invalid/debian' });
    await mkdir(join(cacheFolder, 'builder-roots'));
    const { path } = await testBuilderRoot();
    await symlink(dirname(path), join(cacheFolder, 'builder-roots', all.digest()));
    await expect(all.ensure({}, 'aarch64')).rejects.toMatchObject({
      code: 'builder-root-failed',
      message: expect.stringContaining('mirror.invalid'),
    });
    const left = (await readdir(join(cacheFolder, 'builder-roots'))).filter(
      (name) => !name.endsWith('.lock'),
    );
    expect(left).toEqual([all.digest()]);
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(cacheFolder);
  },
);

it('takes the cached one', async () => {
  const all = roots();
  await cache(all.digest());
  expect(await all.ensure()).toMatchObject({ digest: all.digest(), reused: true });
});

it('prunes all but the current one, and only lists on a dry run', async () => {
  const all = roots();
  const old = 'f'.repeat(32);
  await cache(old);
  await cache(all.digest());
  expect((await all.prune({ dryRun: true })).map((info) => info.digest)).toEqual([old]);
  expect(await all.list()).toHaveLength(2);
  expect((await all.prune({ dryRun: false })).map((info) => info.digest)).toEqual([old]);
  expect(await all.list()).toEqual([expect.objectContaining({ digest: all.digest(), current: true })]);
});

it('ends with the mirror silent when it is aborted, and leaves no process or file', async () => {
  const stop = new AbortController();
  server = createServer((socket) => {
    // A socket that nobody reads never notices that its peer is gone, and the server could not close.
    socket.on('error', () => socket.destroy()).resume();
    stop.abort(new Error('enough'));
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const all = roots({ mirror: `http://127.0.0.1:${port}/debian` });
  await expect(all.ensure({ signal: stop.signal })).rejects.toThrow('enough');
  expect(processesWith(cacheFolder)).toEqual([]);
  expect(
    (await readdir(join(cacheFolder, 'builder-roots'))).filter((name) => !name.endsWith('.lock')),
  ).toEqual([]);
});

it('fails with the words of the tool when the mirror is not one', async () => {
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy()).resume();
    socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const failing = roots({ mirror: `http://127.0.0.1:${port}/debian` }).ensure();
  await expect(failing).rejects.toMatchObject({ code: 'builder-root-failed' });
});
