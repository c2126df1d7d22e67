/**
 * Serves one root file system to a virtual machine on this host, under a plain path and without a signature: the
 * initrd of a node knows how to fetch an address, not how to ask for one. Bytes come straight from the store.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { ImageArtifact } from '../../contract/images.ts';

export interface RootfsServer {
  readonly port: number;
  close(): void;
}

const PASSED_ON = ['content-length', 'content-range', 'etag'];

/** Serves the artifact as `/rootfs` on a port of the loopback; whole, in ranges, or its size alone (HEAD). */
export async function serveRootfs(artifact: ImageArtifact): Promise<RootfsServer> {
  const server = createServer((request, response) => {
    answer(artifact, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  artifact: ImageArtifact,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  if (request.url !== '/rootfs' || (request.method !== 'GET' && request.method !== 'HEAD')) {
    response.writeHead(404).end();
    return;
  }
  if (request.method === 'HEAD') {
    // The signed address is good for GET alone.
    response.writeHead(200, { ...common, 'content-length': artifact.size_bytes }).end();
    return;
  }
  const { range } = request.headers;
  const stored = await fetch(artifact.download_url, { headers: range === undefined ? {} : { range } });
  const headers = PASSED_ON.flatMap((name) => {
    const value = stored.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  response.writeHead(stored.status, { ...common, ...Object.fromEntries(headers) });
  if (stored.body === null) {
    response.end();
    return;
  }
  await pipeline(Readable.fromWeb(stored.body as ReadableStream), response);
}
