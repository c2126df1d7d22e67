/** Counts and hashes bytes on their way into a store. */
import { createHash } from 'node:crypto';
import { KilnError } from '../../contract/errors.ts';
import type { ObjectAddress } from './store.ts';

/** Hexadecimal. */
export interface Digests {
  readonly md5: string;
  readonly sha256: string;
}

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
    /** To be asked once, at the end. */
    digests: (): Digests => ({ md5: md5.digest('hex'), sha256: sha256.digest('hex') }),
  };
}

/** Throws `checksum-mismatch` when one of the announced digests is another. */
export function checkDigests(address: ObjectAddress, actual: Digests, expected: Partial<Digests>): void {
  for (const name of ['md5', 'sha256'] as const) {
    const announced = expected[name];
    if (announced !== undefined && announced.toLowerCase() !== actual[name]) {
      throw new KilnError(
        'checksum-mismatch',
        `s3://${address.bucket}/${address.key}: the ${name} is ${actual[name]}, announced was ${announced}`,
      );
    }
  }
}
