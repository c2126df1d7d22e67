/**
 * Repositories over HTTP, with the addresses that Nexus has: `/repository/NAME/PATH`. Whoever is connected may read;
 * writing to hosted ones takes user and password.
 */

import { close, createReadStream, open, read } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryContents, RepositoryRecord } from '../../features/repositories/store.ts';
import { parseRange } from '../../platform/byte-range.ts';
import type { Log } from '../../platform/log.ts';
import type { Catalog, Found } from '../catalog.ts';
import { isInside } from '../repomd.ts';
import type { BlobFolder } from '../store/blobs.ts';

export interface HandlerDeps {
  readonly catalog: Catalog;
  readonly blobs: BlobFolder;
  readonly contents: Pick<RepositoryContents, 'upload' | 'remove'>;
  readonly find: (name: string) => Promise<RepositoryRecord | undefined>;
  /** Whether a header `Authorization` allows to write. */
  readonly mayWrite: (authorization: string | undefined) => boolean;
  /** The job that a connection belongs to. */
  readonly jobOf: (request: IncomingMessage) => string | undefined;
  readonly log: Log;
}

const TYPES: Readonly<Record<string, string>> = {
  '.rpm': 'application/x-rpm',
  '.deb': 'application/vnd.debian.binary-package',
  '.xml': 'application/xml',
  '.gz': 'application/gzip',
  '.asc': 'application/pgp-signature',
  '.key': 'application/pgp-keys',
};
/** Up to this size a file is read at once: cheaper than a stream for the many small ones. */
const AT_ONCE_BYTES = 1024 * 1024;
const STREAM_BYTES = 1024 * 1024;

export function createHandler(deps: HandlerDeps) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await answer(deps, request, response);
    } catch (error) {
      fail(deps.log, request, response, error);
    }
  };
}

async function answer(deps: HandlerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { name, path } = addressOf(request.url ?? '');
  if (request.method === 'GET' || request.method === 'HEAD') {
    const found = await deps.catalog.locate(name, path, deps.jobOf(request));
    await send(deps.blobs, request, response, found, path);
    return;
  }
  if (request.method !== 'PUT' && request.method !== 'DELETE') {
    throw new KilnError('method-not-allowed', `${request.method} is nothing that a repository does`);
  }
  if (deps.jobOf(request) !== undefined || !deps.mayWrite(request.headers.authorization)) {
    response.setHeader('www-authenticate', 'Basic realm="Kiln package repositories"');
    throw new KilnError('unauthorized', 'writing to a repository takes user and password');
  }
  const record = await deps.find(name);
  if (record === undefined) {
    throw new KilnError('repository-not-found', `there is no repository "${name}"`);
  }
  if (request.method === 'PUT') {
    await deps.contents.upload(record, path, request, {});
    response.writeHead(201).end();
    return;
  }
  if (!(await deps.contents.remove(record, path))) {
    throw new KilnError('repository-package-not-found', `"${name}" has nothing at ${path}`);
  }
  response.writeHead(204).end();
}

/** Throws `not-found` for what is no address of a repository. */
function addressOf(url: string): { name: string; path: string } {
  const [, name, rest = ''] = /^\/repository\/([^/?#]+)\/([^?#]*)/.exec(url) ?? [];
  const path = decode(rest).replaceAll(/\/{2,}/g, '/');
  if (name === undefined || !isInside(path)) {
    throw new KilnError('not-found', `addresses look like /repository/NAME/PATH, not like ${url}`);
  }
  return { name: decode(name), path };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new KilnError('not-found', `${text} is no valid address`);
  }
}

async function send(
  blobs: BlobFolder,
  request: IncomingMessage,
  response: ServerResponse,
  found: Found,
  path: string,
): Promise<void> {
  const etag = `"${found.sha256}"`;
  response.setHeader('etag', etag);
  response.setHeader('cache-control', found.immutable ? 'max-age=31536000, immutable' : 'no-cache');
  if (found.notice !== undefined) {
    response.setHeader('x-kiln-notice', oneLine(found.notice));
  }
  if (request.headers['if-none-match']?.includes(etag)) {
    response.writeHead(304).end();
    return;
  }
  const range = parseRange(request.headers.range, found.size);
  const length = range === undefined ? found.size : range.end - range.start + 1;
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-length': length,
    'accept-ranges': 'bytes',
    ...(range === undefined ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${found.size}` }),
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const file = blobs.path(found.sha256);
  if (length <= AT_ONCE_BYTES) {
    response.end(await readPart(file, range?.start ?? 0, length));
    return;
  }
  const data = createReadStream(file, { ...range, highWaterMark: STREAM_BYTES });
  await pipeline(data, response);
}

/** With callbacks: for thousands of small files a second, a promise for each call of the system is what costs. */
function readPart(file: string, position: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    open(file, 'r', (failure, descriptor) => {
      if (failure !== null) {
        reject(failure);
        return;
      }
      read(descriptor, Buffer.allocUnsafe(length), 0, length, position, (error, bytes, data) => {
        close(descriptor, () => {});
        if (error !== null || bytes !== length) {
          reject(error ?? new Error(`${file} has ${bytes} of ${length} bytes`));
          return;
        }
        resolve(data);
      });
    });
  });
}

function fail(log: Log, request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const known =
    error instanceof KilnError
      ? error
      : new KilnError('internal-error', 'it failed in a way that it does not know');
  if (known.code === 'internal-error') {
    log.error({ err: error, url: request.url }, 'package server failed');
  }
  if (response.headersSent) {
    // The client must not take what came for the whole.
    response.destroy();
    return;
  }
  const { status, title, hint } = known.entry;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-kiln-problem': oneLine(known.message),
  });
  response.end(`${title}: ${known.message}\n${hint}\n`);
}

/** Header values are single lines of ASCII. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ');
}
