/** Which operation a request is: S3 tells them apart by method, address, query and one header. */
import { type Answer, nothing, xml } from './answer.ts';
import type { Body } from './body.ts';
import { deleteObjects, listBuckets, listObjects } from './buckets.ts';
import { S3Error } from './errors.ts';
import {
  abortUpload,
  completeUpload,
  copyPart,
  createUpload,
  listParts,
  listUploads,
  putPart,
  type Uploads,
} from './multipart.ts';
import { copyObject, deleteObject, getObject, putObject } from './objects.ts';
import { addressOf, bucketOf, headerOf, queryOf, type S3Request } from './request.ts';
import { element, result } from './xml.ts';

export interface Call {
  readonly request: S3Request;
  readonly requestId: string;
  readonly body: Body;
}

/** Throws `S3Error`, or what the store throws. */
export async function operate({ request, requestId, body }: Call, uploads: Uploads): Promise<Answer> {
  const { objects } = uploads;
  if (request.bucket === undefined) {
    return request.method === 'GET' ? listBuckets() : refuse(request);
  }
  const asks = (name: string) => queryOf(request, name) !== undefined;
  const copies = headerOf(request, 'x-amz-copy-source') !== undefined;
  if (request.key === undefined) {
    bucketOf(request);
    switch (request.method) {
      case 'HEAD':
        return { status: 200 };
      case 'GET':
        return asks('uploads')
          ? await listUploads(request, uploads)
          : (aboutAny(asks) ?? (await listObjects(request, objects)));
      case 'POST':
        return asks('delete') ? await deleteObjects(request, objects, body) : refuse(request);
      case 'PUT':
        throw new S3Error('BucketAlreadyOwnedByYou', 'the buckets of Kiln are there from the start');
      default:
        return refuse(request);
    }
  }
  addressOf(request);
  switch (request.method) {
    case 'HEAD':
      return await getObject(request, objects);
    case 'GET':
      return asks('uploadId')
        ? await listParts(request, uploads)
        : (aboutAny(asks) ?? (await getObject(request, objects)));
    case 'PUT':
      if (asks('uploadId')) {
        return copies ? await copyPart(request, uploads) : await putPart(request, uploads, body);
      }
      if (asks('acl') || asks('tagging')) {
        // Everybody who may sign may do everything, so that there is nothing to keep.
        return { status: 200 };
      }
      return copies ? await copyObject(request, objects) : await putObject(request, objects, body);
    case 'POST':
      if (asks('uploads')) {
        return await createUpload(request, uploads);
      }
      return asks('uploadId') ? await completeUpload(request, uploads, body, requestId) : refuse(request);
    case 'DELETE':
      if (asks('tagging')) {
        return nothing;
      }
      return asks('uploadId') ? await abortUpload(request, uploads) : await deleteObject(request, objects);
    default:
      return refuse(request);
  }
}

/** What clients ask of buckets and objects alike, and is the same for all of Kiln's. */
function aboutAny(asks: (name: string) => boolean): Answer | undefined {
  if (asks('location')) {
    return xml(result('LocationConstraint', ''));
  }
  if (asks('versioning')) {
    return xml(result('VersioningConfiguration', ''));
  }
  if (asks('tagging')) {
    return xml(result('Tagging', element('TagSet', '')));
  }
  if (asks('acl')) {
    const owner = element('ID', 'kiln') + element('DisplayName', 'kiln');
    const grantee = element('Grantee', owner, {
      raw: true,
      attributes: ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"',
    });
    const grant = element('Grant', grantee + element('Permission', 'FULL_CONTROL'), { raw: true });
    const list = element('AccessControlList', grant, { raw: true });
    return xml(result('AccessControlPolicy', element('Owner', owner, { raw: true }) + list));
  }
  return undefined;
}

function refuse(request: S3Request): never {
  throw new S3Error('MethodNotAllowed', `${request.method} is no operation on this address that Kiln knows`);
}
