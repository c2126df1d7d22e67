/** What S3 says of an object, as the port has it. */
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Digests } from '../../../features/objects/digests.ts';
import type { ObjectAddress, ObjectInfo } from '../../../features/objects/store.ts';

const MD5 = /^[0-9a-f]{32}$/;
const SHA256 = /^[0-9a-f]{64}$/;

export function infoOf({ bucket, key }: ObjectAddress, head: HeadObjectCommandOutput): ObjectInfo {
  const etag = (head.ETag ?? '').replaceAll('"', '');
  const metadata = head.Metadata ?? {};
  const md5 = metadata['md5sum']?.toLowerCase() ?? etag;
  const sha256 = metadata['sha256']?.toLowerCase() ?? '';
  return {
    bucket,
    key,
    sizeBytes: head.ContentLength ?? 0,
    // The entity tag of an object that came in one piece is its digest; of one that came in parts it is not.
    md5: MD5.test(md5) ? md5 : null,
    sha256: SHA256.test(sha256) ? sha256 : null,
    etag,
    contentType: head.ContentType ?? 'application/octet-stream',
    metadata,
    modified: head.LastModified ?? new Date(0),
  };
}

export function metadataOf(
  digests: Digests | undefined,
  metadata: Record<string, string> = {},
): Record<string, string> {
  return digests === undefined
    ? metadata
    : {
        ...metadata,
        md5sum: metadata['md5sum'] ?? digests.md5,
        sha256: metadata['sha256'] ?? digests.sha256,
      };
}
