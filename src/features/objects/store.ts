/**
 * The port to an object store: buckets of immutable blobs with digests. The embedded store and S3 implement it;
 * one contract suite (`test/support/object-store-suite.ts`) runs over each.
 */
import type { Readable } from 'node:stream';
import type { ByteRange } from '../../platform/byte-range.ts';

export const BUCKETS = ['ims', 'boot-images'] as const;
export type Bucket = (typeof BUCKETS)[number];

export interface ObjectAddress {
  readonly bucket: Bucket;
  /** 1 to 1024 bytes; no empty, `.` or `..` segment, no control characters. */
  readonly key: string;
}

/** What a list tells of an object. */
export interface ObjectSummary extends ObjectAddress {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modified: Date;
}

export interface ObjectInfo extends ObjectSummary {
  /** Hexadecimal; null when somebody else put the object into the store and did not say. */
  readonly md5: string | null;
  /** Hexadecimal; null likewise. */
  readonly sha256: string | null;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An object that Kiln put there itself: then its digests are known. */
export interface StoredObject extends ObjectInfo {
  readonly md5: string;
  readonly sha256: string;
}

export interface PutOptions {
  contentType?: string;
  metadata?: Record<string, string>;
  /** Refuses data with another digest (`checksum-mismatch`); nothing is stored then. */
  expected?: { md5?: string; sha256?: string };
  signal?: AbortSignal;
}

export interface ObjectStore {
  /** Streams the data in, hashing as it goes; the object is there whole or not at all, and survives a crash. */
  put(address: ObjectAddress, data: Readable, options?: PutOptions): Promise<StoredObject>;
  /** Undefined when there is no such object. */
  head(address: ObjectAddress): Promise<ObjectInfo | undefined>;
  /** Throws `object-not-found`, or `range-not-satisfiable`. */
  get(address: ObjectAddress, range?: ByteRange): Promise<{ info: ObjectInfo; data: Readable }>;
  /** Copies inside the store, whatever the size; metadata and digests survive. Throws `object-not-found`. */
  copy(from: ObjectAddress, to: ObjectAddress): Promise<ObjectInfo>;
  /** Whether there was one. */
  delete(address: ObjectAddress): Promise<boolean>;
  /** In the order of their keys. */
  list(bucket: Bucket, prefix: string): AsyncIterable<ObjectSummary>;
  /** An address that anybody who has it can use with one plain GET or PUT until it expires. */
  presign(method: 'GET' | 'PUT', address: ObjectAddress, expires: Date): Promise<string>;
}
