/** Fetches artifacts and verifies them. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { KilnError } from '../contract/errors.ts';
import type { ImageArtifact } from '../contract/images.ts';
import { showTransfer } from './transfer.ts';

/**
 * Fetches to a temporary name, which becomes the file once the digest is right; on a terminal a line on standard
 * error shows how far it has come. Throws `object-not-found`, `checksum-mismatch` or the signal's reason.
 */
export async function downloadArtifact(
  artifact: ImageArtifact,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(artifact.download_url, { signal });
  if (!response.ok || response.body === null) {
    throw new KilnError('object-not-found', `${artifact.path}: the store answered ${response.status}`);
  }
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const label = `fetching ${artifact.path}`;
  const shown = (source: AsyncIterable<Uint8Array>) =>
    showTransfer(source, { label, totalBytes: artifact.size_bytes, output: process.stderr });
  const part = `${file}.part`;
  try {
    const body = Readable.fromWeb(response.body as ReadableStream);
    await pipeline(body, shown, hashing, createWriteStream(part), { signal });
    const actual = hash.digest('hex');
    if (artifact.sha256 !== null && actual !== artifact.sha256) {
      throw new KilnError(
        'checksum-mismatch',
        `${artifact.path}: sha256 is ${actual}, not ${artifact.sha256}`,
      );
    }
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
