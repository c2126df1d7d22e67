/** The body of a request as plain data, checked against everything that the client said of it. */
import { createHash, type Hash } from 'node:crypto';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { ChunkDecoder } from './chunked.ts';
import { S3Error } from './errors.ts';
import { headerOf, type S3Request } from './request.ts';
import type { Signed } from './signature.ts';

export interface Body {
  readonly data: Readable;
  /** Hexadecimal. */
  readonly expected: { md5?: string; sha256?: string };
}

/** Of the checksums that S3 knows, those that Kiln verifies; the others (CRC32C, CRC64NVME) are taken unread. */
const CHECKSUMS: Readonly<Record<string, () => Checksum>> = {
  'x-amz-checksum-crc32': createCrc32,
  'x-amz-checksum-sha1': () => ofHash(createHash('sha1')),
  'x-amz-checksum-sha256': () => ofHash(createHash('sha256')),
};

interface Checksum {
  update(data: Buffer): void;
  /** Base64. */
  digest(): string;
}

/**
 * The data of the request. It fails, and never ends, when it breaks off or is not what was announced, so that whoever
 * stores it stores nothing.
 */
export function readBody(request: S3Request, signed: Signed, raw: Readable): Body {
  const decoder = decoderFor(signed);
  const trailers = decoder?.trailers ?? new Map<string, string>();
  const checksums = announcedChecksums(request);
  const guard = checksums.length === 0 ? undefined : new ChecksumGuard(request, checksums, trailers);
  const data = new PassThrough();
  const steps = [
    raw,
    ...(decoder === undefined ? [] : [decoder]),
    ...(guard === undefined ? [] : [guard]),
    data,
  ];
  // What fails on the way destroys the last of them with the reason, which is where the reader sees it.
  pipeline(steps as [Readable, ...Transform[]]).catch(() => undefined);
  return { data, expected: expectedOf(request, signed) };
}

function decoderFor(signed: Signed): ChunkDecoder | undefined {
  switch (signed.payload) {
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return new ChunkDecoder(signed);
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return new ChunkDecoder(undefined);
    default:
      return undefined;
  }
}

function expectedOf(request: S3Request, signed: Signed): Body['expected'] {
  const md5 = headerOf(request, 'content-md5');
  return {
    ...(md5 === undefined ? {} : { md5: Buffer.from(md5, 'base64').toString('hex') }),
    ...(/^[0-9a-f]{64}$/.test(signed.payload) ? { sha256: signed.payload } : {}),
  };
}

function announcedChecksums(request: S3Request): string[] {
  const trailer = headerOf(request, 'x-amz-trailer')?.toLowerCase() ?? '';
  return Object.keys(CHECKSUMS).filter(
    (name) => headerOf(request, name) !== undefined || trailer.includes(name),
  );
}

class ChecksumGuard extends Transform {
  readonly #checksums: Array<{ name: string; checksum: Checksum | undefined }>;
  readonly #request: S3Request;
  readonly #trailers: ReadonlyMap<string, string>;

  constructor(request: S3Request, names: readonly string[], trailers: ReadonlyMap<string, string>) {
    super();
    this.#request = request;
    this.#trailers = trailers;
    this.#checksums = names.map((name) => ({ name, checksum: CHECKSUMS[name]?.() }));
  }

  override _transform(
    data: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null, data?: Buffer) => void,
  ) {
    for (const { checksum } of this.#checksums) {
      checksum?.update(data);
    }
    done(null, data);
  }

  override _flush(done: (error?: Error | null) => void): void {
    const wrong = this.#checksums.find(({ name, checksum }) => {
      const announced = headerOf(this.#request, name) ?? this.#trailers.get(name);
      return announced !== checksum?.digest();
    });
    done(wrong && new S3Error('BadDigest', `the data does not have the announced ${wrong.name}`));
  }
}

function createCrc32(): Checksum {
  let value = 0;
  return {
    update(data) {
      value = crc32(data, value);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value >>> 0);
      return bytes.toString('base64');
    },
  };
}

function ofHash(hash: Hash): Checksum {
  return { update: (data) => void hash.update(data), digest: () => hash.digest('base64') };
}

/** A small document in a body. Throws `EntityTooLarge`. */
export async function readText({ data }: Body, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of data) {
    size += chunk.length;
    if (size > limitBytes) {
      throw new S3Error('EntityTooLarge', `the document in the body has ${limitBytes} bytes at most`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
