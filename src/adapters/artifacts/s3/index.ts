/**
 * Objects on any S3 service: Ceph, MinIO, AWS. What is larger than a part is sent and copied in parts, several at a
 * time. The digests that S3 does not keep are user metadata of the object: `md5sum`, as the reference and its clients
 * have it, and `sha256`.
 */

import { PassThrough, type Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type _Object as Listed,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { KilnError } from '../../../contract/errors.ts';
import { checkDigests, createDigest, type Digests } from '../../../features/objects/digests.ts';
import { checkKey } from '../../../features/objects/keys.ts';
import { signedPath } from '../../../features/objects/signing.ts';
import type {
  Bucket,
  ObjectAddress,
  ObjectInfo,
  ObjectStore,
  ObjectSummary,
  PutOptions,
  StoredObject,
} from '../../../features/objects/store.ts';
import type { ByteRange } from '../../../platform/byte-range.ts';
import { connect, type S3Connection } from './client.ts';
import { copyObject } from './copy.ts';
import { isMissing, translated } from './errors.ts';
import { infoOf, metadataOf } from './info.ts';

export interface S3StoreOptions extends S3Connection {
  /** Names of the two buckets on the service; they have to be there. */
  readonly buckets: Readonly<Record<Bucket, string>>;
  /** Size of the parts in which large objects are sent, in bytes; at least 5 MiB. */
  readonly partBytes: number;
  /** Objects above this size are copied in parts; 5 GiB is the most that S3 copies at once. */
  readonly copyAtOnceBytes: number;
  /** Signs the addresses for uploads: those go through the service, which verifies and hashes them. */
  readonly signingKey: Buffer;
  readonly baseUrl: () => string;
}

const PARTS_AT_ONCE = 4;

/** Throws `store-unreachable`, `store-refused` or `store-bucket-missing` when it cannot be worked with. */
export async function openS3ObjectStore(options: S3StoreOptions): Promise<ObjectStore> {
  const store = new S3Store(connect(options), options);
  for (const bucket of Object.keys(options.buckets) as Bucket[]) {
    for await (const _ of store.list(bucket, 'kiln-opens-the-store/')) {
      break;
    }
  }
  return store;
}

class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #options: S3StoreOptions;

  constructor(client: S3Client, options: S3StoreOptions) {
    this.#client = client;
    this.#options = options;
  }

  async put(address: ObjectAddress, data: Readable, options: PutOptions = {}): Promise<StoredObject> {
    const target = this.#target(address);
    const digest = createDigest();
    const given = { ContentType: options.contentType ?? 'application/octet-stream' };
    const { start, whole } = await takeStart(data, this.#options.partBytes);
    return await translated(async () => {
      if (whole) {
        digest.update(start);
        const digests = digest.digests();
        checkDigests(address, digests, options.expected ?? {});
        const Metadata = metadataOf(digests, options.metadata);
        await this.#client.send(
          new PutObjectCommand({ ...target, ...given, Metadata, Body: start }),
          abortable(options.signal),
        );
        return { ...(await this.#mustHead(address)), ...digests };
      }
      const announced = announcedDigests(options.expected);
      const digests = await this.#putParts(address, data, start, options, {
        ...given,
        Metadata: metadataOf(announced, options.metadata),
      });
      if (announced === undefined) {
        // What was not known before the parts were sent is written onto the object now, inside the store.
        await this.#copy(address, address, metadataOf(digests, options.metadata));
      }
      return { ...(await this.#mustHead(address)), ...digests };
    });
  }

  async #putParts(
    address: ObjectAddress,
    data: Readable,
    start: Buffer,
    options: PutOptions,
    fields: { ContentType: string; Metadata: Record<string, string> },
  ): Promise<Digests> {
    const digest = createDigest();
    let digests: Digests | undefined;
    const Body = new PassThrough({ highWaterMark: this.#options.partBytes });
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#target(address), ...fields, Body },
      partSize: this.#options.partBytes,
      queueSize: PARTS_AT_ONCE,
    });
    const stop = () => void upload.abort();
    options.signal?.addEventListener('abort', stop);
    const feeding = (async () => {
      digest.update(start);
      await write(Body, start);
      for await (const chunk of data) {
        options.signal?.throwIfAborted();
        digest.update(chunk);
        await write(Body, chunk);
      }
      digests = digest.digests();
      // The last part is held back until this is over, so that wrong data never becomes an object.
      checkDigests(address, digests, options.expected ?? {});
      Body.end();
    })();
    feeding.catch((error: unknown) =>
      Body.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    try {
      await Promise.all([feeding, upload.done()]);
    } catch (error) {
      await upload.abort();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', stop);
    }
    return digests ?? digest.digests();
  }

  async head(address: ObjectAddress): Promise<ObjectInfo | undefined> {
    const target = this.#target(address);
    return await translated(async () => {
      try {
        return infoOf(address, await this.#client.send(new HeadObjectCommand(target)));
      } catch (error) {
        if (isMissing(error)) {
          return undefined;
        }
        throw error;
      }
    });
  }

  async get(address: ObjectAddress, range?: ByteRange): Promise<{ info: ObjectInfo; data: Readable }> {
    const info = await this.#mustHead(address);
    if (range !== undefined && (range.start > range.end || range.start >= info.sizeBytes)) {
      throw new KilnError('range-not-satisfiable', `the object has ${info.sizeBytes} bytes`);
    }
    return await translated(async () => {
      const response = await this.#client.send(
        new GetObjectCommand({
          ...this.#target(address),
          IfMatch: `"${info.etag}"`,
          ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
        }),
      );
      return { info, data: response.Body as Readable };
    });
  }

  async copy(from: ObjectAddress, to: ObjectAddress): Promise<ObjectInfo> {
    this.#target(to);
    await translated(() => this.#copy(from, to, undefined));
    return await this.#mustHead(to);
  }

  async delete(address: ObjectAddress): Promise<boolean> {
    if ((await this.head(address)) === undefined) {
      return false;
    }
    await translated(() => this.#client.send(new DeleteObjectCommand(this.#target(address))));
    return true;
  }

  async *list(bucket: Bucket, prefix: string): AsyncIterable<ObjectSummary> {
    let token: string | undefined;
    do {
      const page = await translated(() =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#options.buckets[bucket],
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const object of page.Contents ?? []) {
        yield summaryOf(bucket, object);
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async presign(method: 'GET' | 'PUT', address: ObjectAddress, expires: Date): Promise<string> {
    const target = this.#target(address);
    if (method === 'PUT') {
      return this.#options.baseUrl() + signedPath(this.#options.signingKey, method, address, expires);
    }
    const expiresIn = Math.max(1, Math.floor((expires.getTime() - Date.now()) / 1000));
    return await translated(() => getSignedUrl(this.#client, new GetObjectCommand(target), { expiresIn }));
  }

  #target(address: ObjectAddress): { Bucket: string; Key: string } {
    checkKey(address.key);
    return { Bucket: this.#options.buckets[address.bucket], Key: address.key };
  }

  async #mustHead(address: ObjectAddress): Promise<ObjectInfo> {
    const info = await this.head(address);
    if (info === undefined) {
      throw new KilnError('object-not-found', `s3://${address.bucket}/${address.key}`);
    }
    return info;
  }

  /** `metadata`: that of the source unless given. */
  async #copy(from: ObjectAddress, to: ObjectAddress, metadata: Record<string, string> | undefined) {
    const source = await this.#mustHead(from);
    await copyObject(this.#client, {
      source: this.#target(from),
      target: this.#target(to),
      sizeBytes: source.sizeBytes,
      contentType: source.contentType,
      metadata: metadata ?? { ...source.metadata },
      atOnceBytes: this.#options.copyAtOnceBytes,
    });
  }
}

function announcedDigests(expected: PutOptions['expected']): Digests | undefined {
  return expected?.md5 !== undefined && expected.sha256 !== undefined
    ? { md5: expected.md5.toLowerCase(), sha256: expected.sha256.toLowerCase() }
    : undefined;
}

function abortable(signal: AbortSignal | undefined) {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** The first bytes, up to about `limit`, and whether that was all. */
async function takeStart(data: Readable, limit: number): Promise<{ start: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  const iterator = data.iterator({ destroyOnReturn: false });
  for (let next = await iterator.next(); ; next = await iterator.next()) {
    if (next.done) {
      return { start: Buffer.concat(chunks), whole: true };
    }
    chunks.push(next.value);
    size += next.value.length;
    if (size >= limit) {
      await iterator.return?.();
      return { start: Buffer.concat(chunks), whole: false };
    }
  }
}

function write(stream: PassThrough, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function summaryOf(bucket: Bucket, object: Listed): ObjectSummary {
  return {
    bucket,
    key: object.Key ?? '',
    sizeBytes: object.Size ?? 0,
    etag: (object.ETag ?? '').replaceAll('"', ''),
    modified: object.LastModified ?? new Date(0),
  };
}
