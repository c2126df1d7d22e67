/** The S3 protocol of the embedded store, driven by the official client library. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { openS3ObjectStore } from '../../src/adapters/artifacts/s3/index.ts';
import type { S3Credentials } from '../../src/contract/s3.ts';
import { MIB } from '../../src/platform/bytes.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { objectStoreSuite } from '../support/object-store-suite.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

const Bucket = 'ims';
let service: InProcessService;
let keys: S3Credentials;
let client: S3Client;

beforeAll(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  const response = await checkedFetch(`${service.url}/kiln/v1/s3/credentials`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  keys = (await response.json()) as S3Credentials;
  client = clientWith({});
});
afterAll(() => service.close());

function clientWith(change: S3ClientConfig): S3Client {
  return new S3Client({
    endpoint: keys.endpoint,
    region: keys.region,
    forcePathStyle: true,
    credentials: { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key },
    maxAttempts: 1,
    ...change,
  });
}

describe('under the S3 adapter', () => {
  // The adapter that speaks to Ceph and AWS finds the same here.
  objectStoreSuite(async ({ signingKey, baseUrl }) =>
    openS3ObjectStore({
      signingKey,
      baseUrl,
      endpoint: keys.endpoint,
      region: keys.region,
      credentials: { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key },
      caFile: '',
      pathStyle: true,
      buckets: { ims: 'ims', 'boot-images': 'boot-images' },
      partBytes: 5 * MIB,
      copyAtOnceBytes: 6 * MIB,
    }),
  );
});

describe('keys', () => {
  it('come from the token service, as cray artifacts asks for them', async () => {
    const response = await fetch(`${service.url}/apis/sts/token`, { method: 'PUT' });
    expect(response.status).toBe(201);
    const { Credentials } = (await response.json()) as {
      Credentials: Record<'EndpointURL' | 'AccessKeyId' | 'SecretAccessKey' | 'SessionToken', string>;
    };
    const { EndpointURL: endpoint, AccessKeyId, SecretAccessKey, SessionToken } = Credentials;
    const credentials = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };
    const { Buckets } = await clientWith({ endpoint, credentials }).send(new ListBucketsCommand());
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['ims', 'boot-images']);
    const forged = clientWith({ endpoint, credentials: { ...credentials, sessionToken: 'forged' } });
    await expect(forged.send(new ListBucketsCommand())).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
  });

  it.each([
    ['with another secret', 'SignatureDoesNotMatch', { secretAccessKey: 'other' }],
    ['with keys of somebody else', 'InvalidAccessKeyId', { accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }],
    ['with keys that say that they are good for longer', 'SignatureDoesNotMatch', 'longer'],
  ])('are refused %s', async (_name, name, change) => {
    const own = { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key };
    const credentials =
      typeof change === 'string'
        ? { ...own, accessKeyId: own.accessKeyId.replace(/^KILN.{8}/, 'KILN00ZZZZZZ') }
        : { ...own, ...change };
    await expect(clientWith({ credentials }).send(new ListBucketsCommand())).rejects.toMatchObject({ name });
  });

  it('are refused when they have expired, and when the clocks differ', async () => {
    service.setTime(new Date(Date.now() + 13 * 3600_000));
    const late = clientWith({ systemClockOffset: 13 * 3600_000 });
    await expect(late.send(new ListBucketsCommand())).rejects.toMatchObject({ name: 'ExpiredToken' });
    service.setTime(new Date(Date.now() + 20 * 60_000));
    await expect(client.send(new ListBucketsCommand())).rejects.toMatchObject({
      name: 'RequestTimeTooSkewed',
    });
    service.setTime(undefined);
  });

  it('are needed', async () => {
    const response = await fetch(`${keys.endpoint}/ims?list-type=2`);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('<Code>AccessDenied</Code>');
  });
});

describe('objects', () => {
  it('keep type, metadata and digest, and say so', async () => {
    const Body = randomBytes(1000);
    const Key = 'objects/a b+ü.bin';
    await client.send(
      new PutObjectCommand({ Bucket, Key, Body, ContentType: 'text/x-kiln', Metadata: { colour: 'red' } }),
    );
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head).toMatchObject({ ContentLength: 1000, ContentType: 'text/x-kiln' });
    expect(head.Metadata).toMatchObject({ colour: 'red', md5sum: head.ETag?.replaceAll('"', '') });
    const part = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=-10' }));
    expect(Buffer.from((await part.Body?.transformToByteArray()) ?? [])).toEqual(Body.subarray(990));
  });

  it('are the same objects that the service has', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'objects/shared', Body: 'shared' }));
    expect(await service.objects.head({ bucket: 'ims', key: 'objects/shared' })).toMatchObject({
      sizeBytes: 6,
    });
  });

  it('are not sent again to who has them', async () => {
    const Key = 'objects/etag';
    const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    await expect(client.send(new GetObjectCommand({ Bucket, Key, IfNoneMatch: ETag }))).rejects.toMatchObject(
      {
        $metadata: { httpStatusCode: 304 },
      },
    );
    await expect(
      client.send(new GetObjectCommand({ Bucket, Key, IfMatch: '"other"' })),
    ).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
  });

  it('can be streamed in signed or checked chunks of unknown length', async () => {
    for (const requestChecksumCalculation of ['WHEN_SUPPORTED', 'WHEN_REQUIRED'] as const) {
      const Key = `objects/streamed-${requestChecksumCalculation}`;
      const data = randomBytes(7 * MIB);
      const upload = new Upload({
        client: clientWith({ requestChecksumCalculation }),
        params: { Bucket, Key, Body: Readable.from([data.subarray(0, 100), data.subarray(100)]) },
      });
      await upload.done();
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(data)).toBe(true);
    }
  });

  it.each(['CRC32', 'SHA1', 'SHA256', 'CRC32C', 'CRC64NVME'] as const)(
    'come with a %s',
    async (ChecksumAlgorithm) => {
      const Body = randomBytes(100_000);
      const Key = `objects/${ChecksumAlgorithm}`;
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumAlgorithm }));
      expect(await service.objects.head({ bucket: 'ims', key: Key })).toMatchObject({ sizeBytes: 100_000 });
    },
  );

  it.each([
    ['CRC32', { ChecksumCRC32: 'AAAAAA==' }],
    ['SHA-1', { ChecksumSHA1: Buffer.alloc(20).toString('base64') }],
    ['SHA-256', { ChecksumSHA256: Buffer.alloc(32).toString('base64') }],
    ['MD5', { ContentMD5: Buffer.alloc(16).toString('base64') }],
  ])('are refused with the %s of something else', async (name, digest) => {
    const Key = `objects/wrong-${name}`;
    const put = client.send(new PutObjectCommand({ Bucket, Key, Body: 'data', ...digest }));
    await expect(put).rejects.toMatchObject({ name: 'BadDigest' });
    expect(await service.objects.head({ bucket: 'ims', key: Key })).toBeUndefined();
  });

  it('are copied, also with other metadata', async () => {
    await client.send(
      new PutObjectCommand({ Bucket, Key: 'copy/ä from', Body: 'data', Metadata: { a: '1' } }),
    );
    const CopySource = `ims/${encodeURIComponent('copy/ä from')}`;
    await client.send(new CopyObjectCommand({ Bucket: 'boot-images', Key: 'copy/to', CopySource }));
    await client.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy/new',
        CopySource,
        MetadataDirective: 'REPLACE',
        Metadata: { b: '2' },
      }),
    );
    const kept = await client.send(new HeadObjectCommand({ Bucket: 'boot-images', Key: 'copy/to' }));
    const replaced = await client.send(new HeadObjectCommand({ Bucket, Key: 'copy/new' }));
    expect([kept.Metadata?.['a'], replaced.Metadata?.['a'], replaced.Metadata?.['b']]).toEqual([
      '1',
      undefined,
      '2',
    ]);
  });

  it('are refused under keys that not everybody understands', async () => {
    const put = client.send(new PutObjectCommand({ Bucket, Key: 'folder/', Body: '' }));
    await expect(put).rejects.toMatchObject({ name: 'InvalidArgument' });
  });

  it('that break off leave nothing', async () => {
    const Key = 'objects/broken-off';
    const url = new URL(await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 }));
    await new Promise<void>((resolve) => {
      const request = httpRequest(url, { method: 'PUT', headers: { 'content-length': 1000 } });
      request.on('error', () => resolve()).on('close', () => resolve());
      request.write('some', () => request.destroy());
    });
    expect(await service.objects.head({ bucket: 'ims', key: Key })).toBeUndefined();
  });
});

describe('presigned addresses', () => {
  it('read and write until they expire', async () => {
    const Key = 'presigned/object';
    const put = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    expect((await fetch(put, { method: 'PUT', body: 'hello' })).status).toBe(200);
    const get = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    expect(await (await fetch(get)).text()).toBe('hello');
    expect((await fetch(get.replace('presigned/object', 'presigned/other'))).status).toBe(403);
    service.setTime(new Date(Date.now() + 61_000));
    expect((await fetch(get)).status).toBe(403);
    service.setTime(undefined);
  });
});

describe('lists', () => {
  const names = ['a/1', 'a/2', 'b', 'c/d/e', 'ü <&>'];
  beforeAll(async () => {
    for (const name of names) {
      await client.send(new PutObjectCommand({ Bucket, Key: `list/${name}`, Body: name }));
    }
  });

  it.each([1, 2, 1000])('come in pages of %i', async (MaxKeys) => {
    const found: Array<string | undefined> = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys, ContinuationToken }),
      );
      found.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(names.map((name) => `list/${name}`));
  });

  it.each([1, 1000])('fold what has a delimiter, in pages of %i', async (MaxKeys) => {
    const found: Array<string | undefined> = [];
    let Marker: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsCommand({ Bucket, Prefix: 'list/', Delimiter: '/', MaxKeys, Marker }),
      );
      found.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
      found.push(...(page.Contents ?? []).map(({ Key }) => Key));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(found.sort()).toEqual(['list/a/', 'list/b', 'list/c/', 'list/ü <&>']);
  });

  it('tell what clients ask of buckets', async () => {
    expect(await client.send(new HeadBucketCommand({ Bucket }))).toBeDefined();
    expect(await client.send(new GetBucketLocationCommand({ Bucket }))).toBeDefined();
    const acl = await client.send(new GetObjectAclCommand({ Bucket, Key: 'list/b' }));
    expect(acl.Grants?.[0]?.Permission).toBe('FULL_CONTROL');
    const missing = client.send(new ListObjectsV2Command({ Bucket: 'nowhere' }));
    await expect(missing).rejects.toMatchObject({ name: 'NoSuchBucket' });
    const made = client.send(new CreateBucketCommand({ Bucket }));
    await expect(made).rejects.toMatchObject({ name: 'BucketAlreadyOwnedByYou' });
  });

  it('are emptied with one request', async () => {
    const Objects = ['x', 'y & <z>'].map((name) => ({ Key: `many/${name}` }));
    for (const { Key } of Objects) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    }
    const answer = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [...Objects, { Key: 'many/none' }] } }),
    );
    expect(answer.Deleted).toHaveLength(3);
    const left = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/' }));
    expect(left.KeyCount).toBe(0);
  });
});

describe('uploads in parts', () => {
  const begin = async (Key: string) => {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { a: '1' } }),
    );
    return { Bucket, Key, UploadId };
  };

  it('are listed, survive a restart, and become an object when they are complete', async () => {
    const upload = await begin('parts/whole');
    const second = await client.send(new UploadPartCommand({ ...upload, PartNumber: 2, Body: 'world' }));
    const first = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'hello ' }));
    await service.restart();
    client = clientWith({ endpoint: `${service.url}/s3` });
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toMatchObject([{ Key: 'parts/whole', UploadId: upload.UploadId }]);
    const { Parts } = await client.send(new ListPartsCommand(upload));
    expect(Parts).toMatchObject([
      { PartNumber: 1, Size: 6 },
      { PartNumber: 2, Size: 5 },
    ]);
    const MultipartUpload = {
      Parts: [
        { PartNumber: 1, ETag: first.ETag },
        { PartNumber: 2, ETag: second.ETag },
      ],
    };
    const done = await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
    const { Body, ETag, Metadata } = await client.send(new GetObjectCommand({ Bucket, Key: upload.Key }));
    expect(await Body?.transformToString()).toBe('hello world');
    expect([ETag, Metadata?.['a']]).toEqual([done.ETag, '1']);
    await expect(client.send(new ListPartsCommand(upload))).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('take parts of other objects', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'parts/source', Body: '0123456789' }));
    const upload = await begin('parts/copied');
    const CopySource = 'ims/parts/source';
    const part = await client.send(
      new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource, CopySourceRange: 'bytes=2-4' }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.CopyPartResult?.ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: upload.Key }));
    expect(await Body?.transformToString()).toBe('234');
  });

  it('refuse parts that are not theirs, and leave nothing when they are aborted', async () => {
    const upload = await begin('parts/aborted');
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' }));
    const complete = (Parts: Array<{ PartNumber: number; ETag: string | undefined }>) =>
      client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    await expect(complete([{ PartNumber: 1, ETag: '"other"' }])).rejects.toMatchObject({
      name: 'InvalidPart',
    });
    await expect(complete([{ PartNumber: 7, ETag }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(
      complete([
        { PartNumber: 2, ETag },
        { PartNumber: 1, ETag },
      ]),
    ).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await client.send(new AbortMultipartUploadCommand(upload));
    await expect(client.send(new ListPartsCommand(upload))).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(client.send(new HeadObjectCommand({ Bucket, Key: upload.Key }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it.each([
    ['no XML', '<Complete'],
    ['other XML', '<a/>'],
    ['entities that grow', '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'],
  ])('are not completed by %s', async (_name, body) => {
    const { UploadId, Key } = await begin('parts/malformed');
    const command = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId });
    const url = await getSignedUrl(client, command, { expiresIn: 60 });
    const response = await fetch(url, { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('<Code>MalformedXML</Code>');
  });
});
