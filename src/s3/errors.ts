/** What went wrong, as S3 says it: codes that its clients know, with a message that says what to do. */
import { KilnError } from '../contract/errors.ts';
import { document, element } from './xml.ts';

const STATUS = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  EntityTooLarge: 400,
  ExpiredToken: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  MalformedXML: 400,
  MethodNotAllowed: 405,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;
export type S3Code = keyof typeof STATUS;

export class S3Error extends Error {
  readonly code: S3Code;
  constructor(code: S3Code, message: string) {
    super(message);
    this.name = 'S3Error';
    this.code = code;
  }
  get status(): number {
    return STATUS[this.code];
  }
}

/** Anything thrown below, as an answer of S3. What nobody foresaw says nothing of itself. */
export function s3ErrorOf(error: unknown): S3Error {
  if (error instanceof S3Error) {
    return error;
  }
  if (error instanceof KilnError) {
    switch (error.code) {
      case 'object-not-found':
        return new S3Error('NoSuchKey', error.message);
      case 'bad-object-key':
        return new S3Error('InvalidArgument', error.message);
      case 'range-not-satisfiable':
        return new S3Error('InvalidRange', error.message);
      case 'checksum-mismatch':
        return new S3Error('BadDigest', error.message);
      case 'unauthorized':
        return new S3Error('AccessDenied', error.message);
      case 'host-disk-full':
        return new S3Error('SlowDown', error.message);
    }
  }
  return new S3Error('InternalError', 'The service failed; its log has the details.');
}

export function errorDocument(error: S3Error, resource: string, requestId: string): string {
  return document(
    element(
      'Error',
      element('Code', error.code) +
        element('Message', error.message) +
        element('Resource', resource) +
        element('RequestId', requestId),
      { raw: true },
    ),
  );
}
