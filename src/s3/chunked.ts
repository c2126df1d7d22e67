/**
 * Bodies in the coding `aws-chunked`: chunks with their size, maybe their signature, and at the end maybe trailers
 * with a checksum. Source: "Transferring payload in multiple chunks" in the S3 API reference.
 */
import { Transform, type TransformCallback } from 'node:stream';
import { same } from './credentials.ts';
import { S3Error } from './errors.ts';
import { hmac, type Signed, sha256 } from './signature.ts';

const MAX_LINE_BYTES = 4096;
const MAX_SIGNED_CHUNK_BYTES = 16 * 1024 * 1024;
const EMPTY = sha256('');

/** Gives the data alone. `trailers` holds, at the end, what came after the last chunk, by lower-case name. */
export class ChunkDecoder extends Transform {
  readonly trailers = new Map<string, string>();
  readonly #signed: Signed | undefined;
  #waiting: Buffer = Buffer.alloc(0);
  #state: 'size' | 'data' | 'data-end' | 'trailers' | 'over' = 'size';
  #left = 0;
  #claimed = '';
  #previous: string;
  #chunk: Buffer[] = [];

  /** Checks the signature of each chunk where `signed` is given. */
  constructor(signed: Signed | undefined) {
    super();
    this.#signed = signed;
    this.#previous = signed?.signature ?? '';
  }

  override _transform(data: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#waiting = this.#waiting.length === 0 ? data : Buffer.concat([this.#waiting, data]);
      while (this.#step()) {
        // Each step takes what it can of what is there.
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const whole = this.#state === 'over' || (this.#state === 'trailers' && this.#waiting.length === 0);
    done(whole ? null : new S3Error('IncompleteBody', 'the body ended inside a chunk'));
  }

  #step(): boolean {
    switch (this.#state) {
      case 'size': {
        const line = this.#takeLine();
        return line !== undefined && this.#begin(line);
      }
      case 'data':
        return this.#takeData();
      case 'data-end': {
        const line = this.#takeLine();
        if (line !== undefined && line !== '') {
          throw new S3Error('IncompleteBody', 'a chunk is longer than it says');
        }
        this.#state = line === undefined ? 'data-end' : 'size';
        return line !== undefined;
      }
      case 'trailers': {
        const line = this.#takeLine();
        if (line === '') {
          this.#state = 'over';
        } else if (line !== undefined) {
          const [name = '', value = ''] = line.split(/:(.*)/s);
          this.trailers.set(name.trim().toLowerCase(), value.trim());
        }
        return line !== undefined;
      }
      case 'over':
        return false;
    }
  }

  #begin(line: string): boolean {
    const [, size, signature] =
      /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?\s*$/.exec(line) ?? [];
    if (size === undefined || (this.#signed !== undefined && signature === undefined)) {
      throw new S3Error('IncompleteBody', 'a chunk does not begin with its size and signature');
    }
    this.#left = Number.parseInt(size, 16);
    this.#claimed = signature ?? '';
    if (this.#signed !== undefined && this.#left > MAX_SIGNED_CHUNK_BYTES) {
      throw new S3Error('EntityTooLarge', 'a signed chunk has 16 MiB at most');
    }
    if (this.#left === 0) {
      this.#verify();
    }
    this.#state = this.#left === 0 ? 'trailers' : 'data';
    return true;
  }

  #takeData(): boolean {
    if (this.#waiting.length === 0) {
      return false;
    }
    const part = this.#waiting.subarray(0, this.#left);
    this.#waiting = this.#waiting.subarray(part.length);
    this.#left -= part.length;
    if (this.#signed === undefined) {
      this.push(part);
    } else {
      this.#chunk.push(part);
    }
    if (this.#left === 0) {
      this.#verify();
      this.#state = 'data-end';
    }
    return true;
  }

  /** Data is given out only once its signature fits. */
  #verify(): void {
    if (this.#signed === undefined) {
      return;
    }
    const data = Buffer.concat(this.#chunk);
    this.#chunk = [];
    const { date, scope, key } = this.#signed;
    const text = ['AWS4-HMAC-SHA256-PAYLOAD', date, scope, this.#previous, EMPTY, sha256(data)].join('\n');
    const signature = hmac(key, text).toString('hex');
    if (!same(signature, this.#claimed)) {
      throw new S3Error('SignatureDoesNotMatch', 'the signature of a chunk does not fit its data');
    }
    this.#previous = signature;
    if (data.length > 0) {
      this.push(data);
    }
  }

  #takeLine(): string | undefined {
    const end = this.#waiting.indexOf('\r\n');
    if (end === -1 ? this.#waiting.length > MAX_LINE_BYTES : end > MAX_LINE_BYTES) {
      throw new S3Error('IncompleteBody', 'a line between the chunks does not end');
    }
    if (end === -1) {
      return undefined;
    }
    const line = this.#waiting.subarray(0, end).toString('latin1');
    this.#waiting = this.#waiting.subarray(end + 2);
    return line;
  }
}
