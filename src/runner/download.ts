/**
 * Fetches what a job starts from: in ranges, several at a time, hashed in their order while they come in. A broken
 * connection goes on where it broke; the digests are those of the whole, so that a store which answers the wrong bytes is
 * found out.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { KilnError } from '../contract/errors.ts';
import type { JobDocument } from '../contract/runner.ts';
import { MIB } from '../platform/bytes.ts';
import type { StepContext } from './step.ts';

const PART_BYTES = 8 * MIB;
/** Ranges on their way at once; as many are in memory. */
const AT_A_TIME = 4;
const ATTEMPTS = 6;
const SILENCE_MS = 60_000;

/** What the job document says of an object. */
export type Fetched = Pick<JobDocument['source'], 'url' | 'size_bytes' | 'md5' | 'sha256'>;

interface Part {
  readonly start: number;
  readonly bytes: number;
}

/**
 * Writes an object of the store into an empty file, and gives its SHA-256, hexadecimal. Throws `checksum-mismatch`,
 * `object-not-found`, `unauthorized` or `store-unreachable`.
 */
export async function download(
  context: StepContext,
  source: Fetched,
  file: FileHandle,
  partBytes: number = PART_BYTES,
): Promise<string> {
  const digests = { md5: createHash('md5'), sha256: createHash('sha256') };
  // One digest that is known tells as much as two.
  const wanted = source.sha256 === null ? [digests.md5, digests.sha256] : [digests.sha256];
  const stopping = new AbortController();
  const signal = AbortSignal.any([context.signal, stopping.signal]);
  const parts = partsOf(source.size_bytes, partBytes);
  const coming: Promise<Buffer>[] = [];
  const start = (part: Part | undefined) => {
    if (part !== undefined) {
      const fetched = fetchPart(context, source, part, signal);
      // Whoever waits for an earlier part hears of this one later.
      fetched.catch(() => {});
      coming.push(fetched);
    }
  };
  try {
    parts.slice(0, AT_A_TIME).forEach(start);
    for (const [index, part] of parts.entries()) {
      const data = await coming[index];
      delete coming[index];
      start(parts[index + AT_A_TIME]);
      if (data !== undefined) {
        for (const digest of wanted) {
          digest.update(data);
        }
        await writeAll(file, data);
      }
      context.progress({ done: part.start + part.bytes, total: source.size_bytes, unit: 'bytes' });
    }
  } finally {
    stopping.abort();
  }
  const sha256 = digests.sha256.digest('hex');
  if (source.sha256 === null) {
    verify('md5', source.md5, digests.md5.digest('hex'));
  }
  verify('sha256', source.sha256, sha256);
  return sha256;
}

function partsOf(sizeBytes: number, partBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => {
    const start = index * partBytes;
    return { start, bytes: Math.min(partBytes, sizeBytes - start) };
  });
}

async function fetchPart(
  context: StepContext,
  source: Fetched,
  part: Part,
  signal: AbortSignal,
): Promise<Buffer> {
  const data = Buffer.allocUnsafe(part.bytes);
  let done = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const chunk of await answerOf(context, source, part, done, signal)) {
        done += chunk.copy(data, done);
      }
      if (done === part.bytes) {
        return data;
      }
      throw new Error(`the connection ended after ${done} of ${part.bytes} bytes`);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof KilnError) {
        throw error;
      }
      const what = error instanceof Error ? error.message : String(error);
      if (attempt === ATTEMPTS) {
        throw new KilnError('store-unreachable', `${new URL(source.url).origin}: ${what}`, { cause: error });
      }
      context.log(`Fetching it broke off (${what}); trying again from byte ${part.start + done}`);
      await sleep(500 * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

/** The rest of a part. Throws a `KilnError` when trying again cannot help. */
async function answerOf(
  { http }: StepContext,
  source: Fetched,
  part: Part,
  done: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const { dispatcher, headers } = http.to(source.url);
  const response = await request(source.url, {
    dispatcher,
    signal,
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    headers: { ...headers, range: `bytes=${part.start + done}-${part.start + part.bytes - 1}` },
  });
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(String(response.headers['content-range']))?.[1];
  if (response.statusCode === 206 && total === String(source.size_bytes)) {
    return response.body;
  }
  await response.body.dump();
  if (response.statusCode === 416 || total !== undefined) {
    const size = total ?? `fewer than ${part.start + part.bytes}`;
    throw new KilnError(
      'checksum-mismatch',
      `The archive has ${size} bytes, and ${source.size_bytes} were announced`,
    );
  }
  const answer = `The store answered ${response.statusCode} when it was asked for the archive`;
  if (response.statusCode === 404) {
    throw new KilnError('object-not-found', answer);
  }
  if (response.statusCode === 401 || response.statusCode === 403) {
    throw new KilnError('unauthorized', answer);
  }
  throw new Error(answer);
}

async function writeAll(file: FileHandle, data: Buffer): Promise<void> {
  let written = 0;
  while (written < data.length) {
    written += (await file.write(data, written)).bytesWritten;
  }
}

function verify(algorithm: string, expected: string | null, actual: string): void {
  if (expected !== null && expected !== actual) {
    const detail = `The archive has the ${algorithm} ${actual}, and ${expected} was announced`;
    throw new KilnError('checksum-mismatch', detail);
  }
}
