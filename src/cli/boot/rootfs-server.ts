/**
 * Serves one root file system to a virtual machine on this host, under a plain path and without a signature: the
 * initrd of a node knows how to fetch an address, not how to ask for one. Bytes come straight from the store.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

export interface RootfsServer {
  readonly port: number;
  close(): void;
}

const PASSED_ON = [
  'content-type',
  'content-length',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
];

export async function serveRootfs(downloadUrl: string): Promise<RootfsServer> {
  const server = createServer((request, response) => {
    passOn(downloadUrl, request, response).catch((error: unknown) => {
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

async function passOn(url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url !== '/rootfs' || (request.method !== 'GET' && request.method !== 'HEAD')) {
    response.writeHead(404).end();
    return;
  }
  const { range } = request.headers;
  const answer = await fetch(url, { method: request.method, headers: range === undefined ? {} : { range } });
  const headers = PASSED_ON.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  response.writeHead(answer.status, Object.fromEntries(headers));
  if (answer.body === null || request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), response);
}
