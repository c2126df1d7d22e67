/**
 * Fetches the archive that the job starts from, and verifies it. A broken connection goes on where it broke; the digests are
 * those of the whole file, so that a store which answers the wrong bytes is found out.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { KilnError } from '../../contract/errors.ts';
import { formatBytes } from '../../platform/bytes.ts';
import type { Step, StepContext } from '../step.ts';

/** Where the archive is in the workspace, for the steps after this one. */
export const ARCHIVE_FOLDER = 'archive';
export const ARCHIVE_NAME = 'recipe.archive';

const ATTEMPTS = 6;
const SILENCE_MS = 60_000;

export const fetch: Step<undefined, void> = {
  name: 'fetch',
  async run(context) {
    const { source } = context.document;
    await context.workspace.makeFolder(ARCHIVE_FOLDER);
    const path = join(context.workspace.hostPath(ARCHIVE_FOLDER), ARCHIVE_NAME);
    const file = await open(path, 'wx', 0o644);
    const digests = { md5: createHash('md5'), sha256: createHash('sha256') };
    try {
      const write = async (chunk: Buffer) => {
        digests.md5.update(chunk);
        digests.sha256.update(chunk);
        await writeAll(file, chunk);
      };
      await download(context, write);
    } finally {
      await file.close();
    }
    const sha256 = digests.sha256.digest('hex');
    verify('md5', source.md5, digests.md5.digest('hex'));
    verify('sha256', source.sha256, sha256);
    context.note(`${formatBytes(source.size_bytes)}, sha256 ${sha256}`);
  },
};

export async function download(context: StepContext, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  const { url, size_bytes: total } = context.document.source;
  const dispatcher = dispatcherFor(context);
  let done = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stream = await answerOf(url, done, { signal: context.signal, dispatcher });
      for await (const chunk of stream) {
        done += chunk.length;
        if (done > total) {
          throw new KilnError('checksum-mismatch', `The archive is larger than the ${total} bytes announced`);
        }
        await write(chunk);
        context.progress({ done, total, unit: 'bytes' });
      }
      if (done === total) {
        return;
      }
      throw new Error(`the connection ended after ${done} of ${total} bytes`);
    } catch (error) {
      context.signal.throwIfAborted();
      const what = error instanceof Error ? error.message : String(error);
      if (error instanceof KilnError) {
        throw error;
      }
      if (attempt === ATTEMPTS) {
        throw new KilnError('store-unreachable', `${new URL(url).origin}: ${what}`, { cause: error });
      }
      context.log(`Fetching it broke off (${what}); trying again from byte ${done}`);
      await sleep(500 * 2 ** (attempt - 1), undefined, { signal: context.signal });
    }
  }
}

/** Trusts what Node.js does, the platform and the store. */
function dispatcherFor({ document }: StepContext): Agent {
  const ours = [...document.trusted_certificates, ...document.store_certificates];
  return new Agent(ours.length === 0 ? {} : { connect: { ca: [...rootCertificates, ...ours] } });
}

/** The bytes from this offset on. Throws `object-not-found` or `unauthorized` when trying again cannot help. */
async function answerOf(
  url: string,
  offset: number,
  options: { signal: AbortSignal; dispatcher: Agent },
): Promise<AsyncIterable<Buffer>> {
  const response = await request(url, {
    ...options,
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
  });
  const expected = offset === 0 ? 200 : 206;
  if (response.statusCode === expected) {
    return response.body;
  }
  await response.body.dump();
  const answer = `The store answered ${response.statusCode} when it was asked for the archive`;
  if (response.statusCode === 404) {
    throw new KilnError('object-not-found', answer);
  }
  if (response.statusCode === 401 || response.statusCode === 403) {
    throw new KilnError('unauthorized', answer);
  }
  throw new Error(answer);
}

export async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    written += (await file.write(chunk, written)).bytesWritten;
  }
}

export function verify(algorithm: string, expected: string | null, actual: string): void {
  if (expected !== null && expected !== actual) {
    const detail = `The archive has the ${algorithm} ${actual}, and ${expected} was announced`;
    throw new KilnError('checksum-mismatch', detail);
  }
}
