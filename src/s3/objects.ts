/** Operations on one object. */

import type { ObjectInfo, ObjectStore, PutOptions } from '../features/objects/store.ts';
import { parseRange } from '../platform/byte-range.ts';
import { type Answer, nothing, xml } from './answer.ts';
import type { Body } from './body.ts';
import { S3Error } from './errors.ts';
import { addressOf, copySourceOf, headerOf, type S3Request } from './request.ts';
import { element, result } from './xml.ts';

const META = 'x-amz-meta-';

export async function getObject(request: S3Request, objects: ObjectStore): Promise<Answer> {
  const address = addressOf(request);
  const info = await objects.head(address);
  if (info === undefined) {
    throw new S3Error('NoSuchKey', `there is no object s3://${address.bucket}/${address.key}`);
  }
  const headers = headersOf(info);
  if (unchanged(request, info)) {
    return { status: 304, headers: { etag: headers.etag } };
  }
  const range = parseRange(headerOf(request, 'range'), info.sizeBytes);
  const answer = {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      ...(range && {
        'content-range': `bytes ${range.start}-${range.end}/${info.sizeBytes}`,
        'content-length': range.end - range.start + 1,
      }),
    },
  };
  return request.method === 'HEAD' ? answer : { ...answer, body: (await objects.get(address, range)).data };
}

function unchanged(request: S3Request, info: ObjectInfo): boolean {
  const wanted = headerOf(request, 'if-match');
  if (wanted !== undefined && wanted !== '*' && unquoted(wanted) !== info.etag) {
    throw new S3Error('PreconditionFailed', `the entity tag of the object is "${info.etag}"`);
  }
  const known = headerOf(request, 'if-none-match');
  return known !== undefined && (known === '*' || unquoted(known) === info.etag);
}

export function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}

function headersOf(info: ObjectInfo) {
  const metadata = Object.entries({ ...(info.md5 && { md5sum: info.md5 }), ...info.metadata });
  return {
    'content-type': info.contentType,
    'content-length': info.sizeBytes,
    'accept-ranges': 'bytes',
    etag: `"${info.etag}"`,
    'last-modified': info.modified.toUTCString(),
    ...Object.fromEntries(metadata.map(([name, value]) => [META + name, value])),
  };
}

/** Throws `NotImplemented` for a condition: two clients could both find that it holds. */
export async function putObject(request: S3Request, objects: ObjectStore, body: Body): Promise<Answer> {
  refuseConditions(request);
  const info = await objects.put(addressOf(request), body.data, {
    ...aboutObject(request),
    expected: body.expected,
  });
  return { status: 200, headers: { etag: `"${info.etag}"` } };
}

/** Type and metadata that a request gives to the object that it makes. */
export function aboutObject(request: S3Request): Pick<PutOptions, 'contentType' | 'metadata'> {
  const metadata = Object.entries(request.headers)
    .filter(([name]) => name.startsWith(META))
    .map(([name, value]) => [name.slice(META.length), String(value)]);
  return {
    contentType: headerOf(request, 'content-type') ?? 'binary/octet-stream',
    metadata: Object.fromEntries(metadata),
  };
}

export async function copyObject(request: S3Request, objects: ObjectStore): Promise<Answer> {
  refuseConditions(request);
  const from = copySourceOf(headerOf(request, 'x-amz-copy-source') ?? '');
  const to = addressOf(request);
  const replaced = headerOf(request, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE';
  const info = replaced
    ? await objects.put(to, (await objects.get(from)).data, aboutObject(request))
    : await objects.copy(from, to);
  return xml(result('CopyObjectResult', copied(info)));
}

export function copied(info: ObjectInfo): string {
  return element('LastModified', info.modified.toISOString()) + element('ETag', `"${info.etag}"`);
}

export async function deleteObject(request: S3Request, objects: ObjectStore): Promise<Answer> {
  await objects.delete(addressOf(request));
  return nothing;
}

function refuseConditions(request: S3Request): void {
  for (const name of ['if-match', 'if-none-match']) {
    if (headerOf(request, name) !== undefined) {
      throw new S3Error('NotImplemented', `the embedded store does not write under a condition (${name})`);
    }
  }
}
