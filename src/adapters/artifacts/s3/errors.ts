/** What an S3 service answers, in the words of the error catalogue. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { KilnError } from '../../../contract/errors.ts';

const REFUSALS = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'Forbidden',
]);
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'TimeoutError',
]);

export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NotFound' || error.name === 'NoSuchKey');
}

/** Runs calls of the SDK; what goes wrong is thrown as a `KilnError` where the catalogue has one. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

function translate(cause: unknown): unknown {
  if (cause instanceof KilnError || !(cause instanceof Error)) {
    return cause;
  }
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  if (cause.name === 'NoSuchBucket') {
    return new KilnError('store-bucket-missing', describe(cause), { cause });
  }
  if (
    REFUSALS.has(cause.name) ||
    (cause instanceof S3ServiceException && cause.$metadata.httpStatusCode === 403)
  ) {
    return new KilnError('store-refused', describe(cause), { cause });
  }
  if (NETWORK.has(code) || /certificate|self[- ]signed/i.test(cause.message)) {
    return new KilnError('store-unreachable', describe(cause), { cause });
  }
  if (cause instanceof S3ServiceException && (cause.$metadata.httpStatusCode ?? 500) >= 500) {
    return new KilnError(
      'store-unreachable',
      `it answered ${cause.$metadata.httpStatusCode}: ${describe(cause)}`,
      {
        cause,
      },
    );
  }
  return cause;
}

/** Never with the request: that holds the key id and the signature. */
function describe(error: Error): string {
  return error.message === '' || error.message === 'UnknownError'
    ? error.name
    : `${error.name}: ${error.message}`;
}
