/**
 * Signatures of AWS, version 4, in the header or in the address.
 * Source: "Signature Version 4 signing process" in the IAM user guide, "Authenticating Requests" in the S3 API
 * reference.
 */
import { createHash, createHmac } from 'node:crypto';
import { type Credentialer, same } from './credentials.ts';
import { S3Error } from './errors.ts';
import { headerOf, queryOf, type S3Request } from './request.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60 * 1000;
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

/** Who signed, and what a body in signed chunks is checked with. */
export interface Signed {
  /** What the client says of its body: a SHA-256, `UNSIGNED-PAYLOAD`, or one of the `STREAMING-…` words. */
  readonly payload: string;
  readonly signature: string;
  readonly key: Buffer;
  readonly date: string;
  readonly scope: string;
}

interface Claim {
  readonly accessKeyId: string;
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payload: string;
  readonly token: string | undefined;
  readonly presigned: boolean;
}

/** Throws `S3Error` unless the request is signed by keys that Kiln gave out, and is of now. */
export function checkSignature(request: S3Request, credentialer: Credentialer, now: Date): Signed {
  const claim = claimOf(request);
  if (!claim.signedHeaders.includes('host')) {
    throw new S3Error('AccessDenied', 'the signature does not cover the header "host"');
  }
  checkTime(request, claim, now);
  const secret = credentialer.secretOf(claim.accessKeyId, claim.token);
  const key = claim.scope
    .split('/')
    .reduce<Buffer>((above, part) => hmac(above, part), Buffer.from(`AWS4${secret}`));
  const text = [ALGORITHM, claim.date, claim.scope, sha256(canonical(request, claim))].join('\n');
  if (!same(hmac(key, text).toString('hex'), claim.signature)) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'the signature does not fit the request; check the secret key',
    );
  }
  const { payload, signature, date, scope } = claim;
  return { payload, signature, key, date, scope };
}

function claimOf(request: S3Request): Claim {
  if (queryOf(request, 'X-Amz-Algorithm') === ALGORITHM) {
    const [accessKeyId, scope] = credentialOf(queryOf(request, 'X-Amz-Credential'));
    return {
      accessKeyId,
      scope,
      signedHeaders: (queryOf(request, 'X-Amz-SignedHeaders') ?? '').split(';'),
      signature: queryOf(request, 'X-Amz-Signature') ?? '',
      date: queryOf(request, 'X-Amz-Date') ?? '',
      payload: queryOf(request, 'X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
      token: queryOf(request, 'X-Amz-Security-Token'),
      presigned: true,
    };
  }
  const header = headerOf(request, 'authorization');
  if (header === undefined) {
    throw new S3Error('AccessDenied', 'the request is not signed; `kiln s3 credentials` gives keys');
  }
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      `only ${ALGORITHM} is understood (signature version 4)`,
    );
  }
  const fields = new Map(
    header
      .slice(ALGORITHM.length)
      .split(',')
      .map((field) => field.trim().split(/=(.*)/s) as [string, string]),
  );
  const [accessKeyId, scope] = credentialOf(fields.get('Credential'));
  return {
    accessKeyId,
    scope,
    signedHeaders: (fields.get('SignedHeaders') ?? '').split(';'),
    signature: fields.get('Signature') ?? '',
    date: headerOf(request, 'x-amz-date') ?? '',
    payload: headerOf(request, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    token: headerOf(request, 'x-amz-security-token'),
    presigned: false,
  };
}

/** `KEY/DATE/REGION/s3/aws4_request`; any region will do. */
function credentialOf(text: string | undefined): [accessKeyId: string, scope: string] {
  const parts = (text ?? '').split('/');
  const [accessKeyId = '', ...scope] = parts;
  if (scope.length !== 4 || scope[2] !== 's3' || scope[3] !== 'aws4_request') {
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      `the credential has to read KEY/DATE/REGION/s3/aws4_request, not "${text ?? ''}"`,
    );
  }
  return [accessKeyId, scope.join('/')];
}

function checkTime(request: S3Request, claim: Claim, now: Date): void {
  const at = timeOf(claim.date);
  if (Number.isNaN(at) || !claim.scope.startsWith(claim.date.slice(0, 8))) {
    throw new S3Error('AuthorizationHeaderMalformed', `"${claim.date}" is not the date of this credential`);
  }
  const age = now.getTime() - at;
  if (!claim.presigned) {
    if (Math.abs(age) > MAX_SKEW_MS) {
      throw new S3Error('RequestTimeTooSkewed', `the clocks differ by ${Math.round(Math.abs(age) / 1000)} s`);
    }
    return;
  }
  const expires = Number(queryOf(request, 'X-Amz-Expires'));
  if (!(expires >= 1 && expires <= MAX_EXPIRES_SECONDS)) {
    throw new S3Error('AuthorizationHeaderMalformed', `X-Amz-Expires is 1 to ${MAX_EXPIRES_SECONDS} seconds`);
  }
  if (age < -MAX_SKEW_MS || age > expires * 1000) {
    throw new S3Error('AccessDenied', 'the address has expired');
  }
}

function timeOf(date: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function canonical(request: S3Request, claim: Claim): string {
  const query = request.query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort((one, other) => (one < other ? -1 : 1))
    .join('&');
  const headers = claim.signedHeaders
    .map((name) => `${name}:${trimmed(headerOf(request, name) ?? '')}\n`)
    .join('');
  const path = request.path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
  return [request.method, path, query, headers, claim.signedHeaders.join(';'), claim.payload].join('\n');
}

function trimmed(value: string): string {
  return value.trim().replace(/ +/g, ' ');
}

/** As RFC 3986 has it; `encodeURIComponent` leaves five more characters alone. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
