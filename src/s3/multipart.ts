/**
 * Objects that come in parts. Parts and what was said when the upload began are objects of a store of their own, so
 * that an upload survives a restart; the object itself is made of them in one go, when all are there.
 */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ObjectAddress, ObjectInfo, ObjectStore } from '../features/objects/store.ts';
import { type Answer, nothing, xml } from './answer.ts';
import { type Body, readText } from './body.ts';
import { parsed } from './buckets.ts';
import { errorDocument, S3Error, s3ErrorOf } from './errors.ts';
import { aboutObject, copied, unquoted } from './objects.ts';
import { addressOf, bucketOf, copySourceOf, headerOf, queryOf, type S3Request } from './request.ts';
import { element, result } from './xml.ts';

const MAX_PARTS = 10_000;
const COMPLETE_LIMIT_BYTES = 4 * 1024 * 1024;
/** Uploads that nobody finished are forgotten after this time. */
const FORGET_AFTER_MS = 7 * 24 * 3600 * 1000;

export interface Uploads {
  readonly objects: ObjectStore;
  readonly parts: ObjectStore;
  readonly now: () => Date;
}

export async function createUpload(request: S3Request, uploads: Uploads): Promise<Answer> {
  await forgetOld(uploads);
  const { bucket, key } = addressOf(request);
  const id = randomBytes(16).toString('hex');
  const { contentType = '', metadata = {} } = aboutObject(request);
  const said = JSON.stringify({ bucket, key, contentType, metadata });
  await uploads.parts.put(descriptionOf(id), Readable.from([Buffer.from(said)]));
  return xml(
    result(
      'InitiateMultipartUploadResult',
      element('Bucket', bucket) + element('Key', key) + element('UploadId', id),
    ),
  );
}

export async function putPart(request: S3Request, uploads: Uploads, body: Body): Promise<Answer> {
  const { id } = await uploadOf(request, uploads);
  const info = await uploads.parts.put(partOf(id, numberOf(request)), body.data, { expected: body.expected });
  return { status: 200, headers: { etag: `"${info.etag}"` } };
}

export async function copyPart(request: S3Request, uploads: Uploads): Promise<Answer> {
  const { id } = await uploadOf(request, uploads);
  const part = partOf(id, numberOf(request));
  const from = copySourceOf(headerOf(request, 'x-amz-copy-source') ?? '');
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headerOf(request, 'x-amz-copy-source-range') ?? '') ?? [];
  const range = start === undefined ? undefined : { start: Number(start), end: Number(end) };
  const { data } = await uploads.objects.get(from, range);
  return xml(result('CopyPartResult', copied(await uploads.parts.put(part, data))));
}

/** A client hears of it while the object is made, since that reads all of the data once more. */
export async function completeUpload(
  request: S3Request,
  uploads: Uploads,
  body: Body,
  requestId: string,
): Promise<Answer> {
  const { id, address, contentType, metadata } = await uploadOf(request, uploads);
  const wanted = readComplete(await readText(body, COMPLETE_LIMIT_BYTES));
  const parts = new Map((await partsOf(id, uploads)).map((part) => [numberIn(part), part]));
  const chosen = wanted.map(({ number, etag }) => {
    const part = parts.get(number);
    if (part === undefined || part.etag !== etag) {
      throw new S3Error('InvalidPart', `part ${number} is not there, or is not the one with this entity tag`);
    }
    return part;
  });
  const finish = async (): Promise<string> => {
    try {
      const info = await uploads.objects.put(address, joined(chosen, uploads.parts), {
        contentType,
        metadata,
      });
      await forget(id, uploads);
      const fields = element('Bucket', address.bucket) + element('Key', address.key);
      return result('CompleteMultipartUploadResult', fields + element('ETag', `"${info.etag}"`));
    } catch (error) {
      return errorDocument(s3ErrorOf(error), request.path, requestId);
    }
  };
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: { finish } };
}

function joined(parts: readonly ObjectInfo[], store: ObjectStore): Readable {
  return Readable.from(
    (async function* () {
      for (const part of parts) {
        yield* (await store.get(part)).data;
      }
    })(),
    { objectMode: false },
  );
}

export async function abortUpload(request: S3Request, uploads: Uploads): Promise<Answer> {
  const { id } = await uploadOf(request, uploads);
  await forget(id, uploads);
  return nothing;
}

export async function listParts(request: S3Request, uploads: Uploads): Promise<Answer> {
  const { id, address } = await uploadOf(request, uploads);
  const parts = (await partsOf(id, uploads)).map((part) => {
    const fields = element('PartNumber', numberIn(part)) + copied(part) + element('Size', part.sizeBytes);
    return element('Part', fields, { raw: true });
  });
  const head = element('Bucket', address.bucket) + element('Key', address.key) + element('UploadId', id);
  return xml(result('ListPartsResult', `${head}${element('IsTruncated', false)}${parts.join('')}`));
}

export async function listUploads(request: S3Request, uploads: Uploads): Promise<Answer> {
  const bucket = bucketOf(request);
  const found: string[] = [];
  for await (const object of uploads.parts.list('ims', '')) {
    const [id = '', name] = object.key.split('/');
    if (name === 'upload') {
      const upload = await describe(id, uploads);
      const fields = element('Key', upload.address.key) + element('UploadId', id);
      const begun = element('Initiated', object.modified.toISOString());
      found.push(upload.address.bucket === bucket ? element('Upload', fields + begun, { raw: true }) : '');
    }
  }
  const head = element('Bucket', bucket) + element('IsTruncated', false);
  return xml(result('ListMultipartUploadsResult', head + found.join('')));
}

const descriptionOf = (id: string): ObjectAddress => ({ bucket: 'ims', key: `${id}/upload` });
const partOf = (id: string, number: number): ObjectAddress => ({
  bucket: 'ims',
  key: `${id}/parts/${String(number).padStart(5, '0')}`,
});
const numberIn = (part: ObjectAddress): number => Number(part.key.split('/').at(-1));

async function uploadOf(request: S3Request, uploads: Uploads) {
  const { bucket, key } = addressOf(request);
  const upload = await describe(queryOf(request, 'uploadId') ?? '', uploads);
  if (upload.address.bucket !== bucket || upload.address.key !== key) {
    throw new S3Error('NoSuchUpload', 'this upload is for another object');
  }
  return upload;
}

async function describe(id: string, { parts }: Uploads) {
  if (!/^[0-9a-f]{32}$/.test(id) || (await parts.head(descriptionOf(id))) === undefined) {
    throw new S3Error('NoSuchUpload', 'there is no such upload; it may have been completed or aborted');
  }
  const { data } = await parts.get(descriptionOf(id));
  const chunks: Buffer[] = await data.toArray();
  const { bucket, key, contentType, metadata } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
    bucket: ObjectAddress['bucket'];
    key: string;
    contentType: string;
    metadata: Record<string, string>;
  };
  return { id, address: { bucket, key }, contentType, metadata };
}

async function partsOf(id: string, { parts }: Uploads): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const { bucket, key } of parts.list('ims', `${id}/parts/`)) {
    const info = await parts.head({ bucket, key });
    if (info !== undefined) {
      found.push(info);
    }
  }
  return found;
}

async function forget(id: string, { parts }: Uploads): Promise<void> {
  for await (const part of parts.list('ims', `${id}/parts/`)) {
    await parts.delete(part);
  }
  await parts.delete(descriptionOf(id));
}

async function forgetOld(uploads: Uploads): Promise<void> {
  for await (const { key, modified } of uploads.parts.list('ims', '')) {
    if (key.endsWith('/upload') && uploads.now().getTime() - modified.getTime() > FORGET_AFTER_MS) {
      await forget(key.split('/')[0] ?? '', uploads);
    }
  }
}

function numberOf(request: S3Request): number {
  const number = Number(queryOf(request, 'partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw new S3Error('InvalidArgument', `partNumber is 1 to ${MAX_PARTS}`);
  }
  return number;
}

function readComplete(text: string): Array<{ number: number; etag: string }> {
  const { CompleteMultipartUpload: root } = parsed(text, ['Part']) as {
    CompleteMultipartUpload?: { Part?: Array<{ PartNumber?: string; ETag?: string }> };
  };
  const parts = (root?.Part ?? []).map(({ PartNumber, ETag }) => ({
    number: Number(PartNumber),
    etag: unquoted(String(ETag)),
  }));
  if (parts.length === 0) {
    throw new S3Error('MalformedXML', 'the body names no part: <CompleteMultipartUpload><Part><PartNumber>…');
  }
  if (parts.some(({ number }, index) => index > 0 && number <= (parts[index - 1]?.number ?? 0))) {
    throw new S3Error('InvalidPartOrder', 'parts are named in the order of their numbers');
  }
  return parts;
}
