/** A request as S3 means it, read once from what came over HTTP. */
import type { IncomingHttpHeaders } from 'node:http';
import { BUCKETS, type Bucket, type ObjectAddress } from '../features/objects/store.ts';
import { S3Error } from './errors.ts';

export interface S3Request {
  readonly method: string;
  /** As the client sent it, still encoded: that is what it signed. */
  readonly path: string;
  readonly query: ReadonlyArray<readonly [name: string, value: string]>;
  readonly headers: IncomingHttpHeaders;
  /** Undefined where the request is about all buckets. */
  readonly bucket: string | undefined;
  /** Undefined where the request is about a bucket. */
  readonly key: string | undefined;
}

/** `prefix` is where the protocol is served. Throws `S3Error` for a target that cannot be decoded. */
export function readRequest(
  raw: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders },
  prefix: string,
): S3Request {
  const [path = '/', search = ''] = (raw.url ?? '/').split(/\?(.*)/s);
  const below = path.slice(prefix.length).replace(/^\//, '');
  const slash = below.indexOf('/');
  const bucket = decode(slash === -1 ? below : below.slice(0, slash));
  const key = slash === -1 ? '' : decode(below.slice(slash + 1));
  return {
    method: raw.method ?? 'GET',
    path,
    query: search
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', value = ''] = pair.split(/=(.*)/s);
        return [decode(name), decode(value)] as const;
      }),
    headers: raw.headers,
    bucket: bucket === '' ? undefined : bucket,
    key: key === '' ? undefined : key,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidArgument', `"${text}" is not percent-encoded UTF-8`);
  }
}

export function queryOf(request: S3Request, name: string): string | undefined {
  return request.query.find(([each]) => each === name)?.[1];
}

export function headerOf(request: S3Request, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** Throws `NoSuchBucket` for one that Kiln does not have. */
export function bucketOf(request: S3Request): Bucket {
  return asBucket(request.bucket ?? '');
}

/** Throws `InvalidArgument` without a key. */
export function addressOf(request: S3Request): ObjectAddress {
  const bucket = bucketOf(request);
  if (request.key === undefined) {
    throw new S3Error('InvalidArgument', 'the address names a bucket; this operation needs a key in it');
  }
  return { bucket, key: request.key };
}

/** The object that the header `x-amz-copy-source` names, percent-encoded, with or without a leading slash. */
export function copySourceOf(header: string): ObjectAddress {
  const [bucket = '', key = ''] = decode(header.split('?')[0] ?? '')
    .replace(/^\//, '')
    .split(/\/(.*)/s);
  return { bucket: asBucket(bucket), key };
}

function asBucket(name: string): Bucket {
  const bucket = BUCKETS.find((each) => each === name);
  if (bucket === undefined) {
    throw new S3Error('NoSuchBucket', `there is no bucket "${name}"; Kiln has ${BUCKETS.join(' and ')}`);
  }
  return bucket;
}
