/**
 * Uploads a file or a text to a signed address in one pass: it is hashed while it is sent, and what the store says
 * it has must be the same.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { request } from 'undici';
import { KilnError } from '../contract/errors.ts';
import type { RunnerHttp } from './http.ts';

const ATTEMPTS = 6;
const SILENCE_MS = 300_000;
const CHUNK_BYTES = 1024 * 1024;

const StoredObject = Type.Object({
  size_bytes: Type.Integer(),
  md5: Type.String(),
  sha256: Type.String(),
  etag: Type.String(),
});
export type StoredObject = Static<typeof StoredObject>;

export interface UploadSource {
  /** What it is called in messages. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Its bytes from the start; called once for each attempt. */
  read(): AsyncIterable<Buffer>;
}

export interface UploadOptions {
  readonly url: string;
  readonly http: RunnerHttp;
  readonly signal: AbortSignal;
  /** Told how many bytes of this attempt are on their way. */
  readonly onProgress?: (doneBytes: number) => void;
  readonly onRetry?: (message: string) => void;
}

export function fileSource(name: string, handle: FileHandle, sizeBytes: number): UploadSource {
  return {
    name,
    sizeBytes,
    async *read() {
      for (let position = 0; position < sizeBytes; ) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - position));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) {
          throw new Error(`${name} became shorter while it was read`);
        }
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}

export function textSource(name: string, text: string): UploadSource {
  const data = Buffer.from(text);
  return { name, sizeBytes: data.length, read: () => Readable.from([data]) };
}

/** Throws `checksum-mismatch` when the store has other bytes, and what went wrong when it does not take them. */
export async function upload(source: UploadSource, options: UploadOptions): Promise<StoredObject> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await uploadOnce(source, options);
    } catch (error) {
      options.signal.throwIfAborted();
      const isFinal = error instanceof KilnError && error.code !== 'checksum-mismatch';
      if (isFinal || attempt === ATTEMPTS) {
        throw error;
      }
      options.onRetry?.(error instanceof Error ? error.message : String(error));
      await sleep(500 * 2 ** (attempt - 1), undefined, { signal: options.signal });
    }
  }
}

async function uploadOnce(source: UploadSource, options: UploadOptions): Promise<StoredObject> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  async function* hashed() {
    let done = 0;
    for await (const chunk of source.read()) {
      md5.update(chunk);
      sha256.update(chunk);
      done += chunk.length;
      options.onProgress?.(done);
      yield chunk;
    }
  }

  const { dispatcher, headers } = options.http.to(options.url);
  const response = await request(options.url, {
    method: 'PUT',
    dispatcher,
    headers: {
      ...headers,
      'content-type': 'application/octet-stream',
      'content-length': String(source.sizeBytes),
    },
    body: Readable.from(hashed(), { objectMode: false }),
    signal: options.signal,
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  });
  const text = await response.body.text();
  if (response.statusCode < 200 || response.statusCode >= 300) {
    throw refusal(source.name, response.statusCode, text);
  }
  const stored: unknown = JSON.parse(text);
  if (!Value.Check(StoredObject, stored)) {
    throw new Error(`the store did not say what it has of ${source.name}`);
  }
  const sent = { size_bytes: source.sizeBytes, md5: md5.digest('hex'), sha256: sha256.digest('hex') };
  if (sent.size_bytes !== stored.size_bytes || sent.md5 !== stored.md5 || sent.sha256 !== stored.sha256) {
    const detail = `${source.name} was sent with sha256 ${sent.sha256}, and the store has ${stored.sha256}`;
    throw new KilnError('checksum-mismatch', detail);
  }
  return stored;
}

/** Requests that the store will refuse again are not repeated. */
function refusal(name: string, status: number, text: string): Error {
  const detail = `The store answered ${status} when ${name} was uploaded: ${text.slice(0, 500)}`;
  if (status === 401 || status === 403) {
    return new KilnError('unauthorized', detail);
  }
  if (status === 507) {
    return new KilnError('host-disk-full', detail);
  }
  return status >= 500 || status === 408 || status === 429
    ? new Error(detail)
    : new KilnError('step-failed', detail);
}
