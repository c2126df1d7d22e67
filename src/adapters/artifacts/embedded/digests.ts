/** Counts and hashes bytes on their way to somewhere else. */
import { createHash } from 'node:crypto';

export function createDigest() {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  let sizeBytes = 0;
  return {
    update(chunk: Buffer): void {
      md5.update(chunk);
      sha256.update(chunk);
      sizeBytes += chunk.length;
    },
    sizeBytes: () => sizeBytes,
    /** Hexadecimal; to be asked once, at the end. */
    digests: () => ({ md5: md5.digest('hex'), sha256: sha256.digest('hex') }),
  };
}
