import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ImageArtifact } from '../../contract/images.ts';
import { type RootfsServer, serveRootfs } from './rootfs-server.ts';

const CONTENT = 'a root file system';

let store: Server;
let served: RootfsServer;
let rootfs = '';
let asked: (string | undefined)[] = [];

beforeEach(async () => {
  asked = [];
  store = createServer((request, response) => {
    asked.push(request.method);
    if (!request.url?.includes('signature=good')) {
      response.writeHead(401, { 'content-length': 0 }).end();
      return;
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined) {
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"e"' }).end(CONTENT);
      return;
    }
    const part = CONTENT.slice(Number(from), Number(to) + 1);
    const range = `bytes ${from}-${to}/${CONTENT.length}`;
    response.writeHead(206, { 'content-length': part.length, 'content-range': range }).end(part);
  });
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
  await serve('good');
});

afterEach(() => {
  served.close();
  store.close();
  store.closeAllConnections();
});

async function serve(signature: string): Promise<void> {
  const { port } = store.address() as AddressInfo;
  const artifact: ImageArtifact = {
    type: 'application/vnd.cray.image.rootfs.squashfs',
    path: 'rootfs',
    size_bytes: CONTENT.length,
    sha256: '',
    md5: '',
    etag: '',
    expires: '2030-01-01T00:00:00.000Z',
    download_url: `http://127.0.0.1:${port}/rootfs?signature=${signature}`,
  };
  served = await serveRootfs(artifact);
  rootfs = `http://127.0.0.1:${served.port}/rootfs`;
}

test('gives the whole file with its size', async () => {
  const response = await fetch(rootfs);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length')).toBe(String(CONTENT.length));
  expect(await response.text()).toBe(CONTENT);
});

test('gives the bytes that are asked for', async () => {
  const response = await fetch(rootfs, { headers: { range: 'bytes=2-5' } });
  expect(response.status).toBe(206);
  expect(response.headers.get('content-range')).toBe(`bytes 2-5/${CONTENT.length}`);
  expect(await response.text()).toBe('root');
});

test('gives the size alone, without asking the store', async () => {
  const response = await fetch(rootfs, { method: 'HEAD' });
  expect(response.headers.get('content-length')).toBe(String(CONTENT.length));
  expect(response.headers.get('accept-ranges')).toBe('bytes');
  expect(asked).toEqual([]);
});

test('has nothing else, and takes nothing', async () => {
  expect((await fetch(`${rootfs}/../other`)).status).toBe(404);
  expect((await fetch(rootfs, { method: 'PUT', body: 'x' })).status).toBe(404);
});

test('a refusal of the store reaches the machine as one', async () => {
  served.close();
  await serve('bad');
  expect((await fetch(rootfs)).status).toBe(401);
});

test('a store that is gone ends the answer instead of leaving the machine waiting', async () => {
  store.close();
  store.closeAllConnections();
  await expect(fetch(rootfs)).rejects.toThrow();
});
