/** Counts and hashes bytes on their way to somewhere else: one pass, bounded memory. */
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';

export class DigestStream extends Transform {
  readonly #md5 = createHash('md5');
  readonly #sha256 = createHash('sha256');
  sizeBytes = 0;

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, data: Buffer) => void,
  ): void {
    this.#md5.update(chunk);
    this.#sha256.update(chunk);
    this.sizeBytes += chunk.length;
    done(null, chunk);
  }

  /** Hexadecimal; to be asked once, at the end. */
  digests(): { md5: string; sha256: string } {
    return { md5: this.#md5.digest('hex'), sha256: this.#sha256.digest('hex') };
  }
}
