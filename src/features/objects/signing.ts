/** Signed addresses of objects: whoever has one may do one thing with one object until it expires. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { KilnError } from '../../contract/errors.ts';
import type { ObjectAddress } from './store.ts';

export type SignedMethod = 'GET' | 'PUT';

const PREFIX = '/kiln/v1/objects';

/** The key that signs addresses; made at first use, readable by the service alone. */
export async function loadSigningKey(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw error;
    }
  }
  const key = randomBytes(32);
  await writeFile(`${file}.new`, key, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return key;
}

/** Path and query of the address, without the host. */
export function signedPath(key: Buffer, method: SignedMethod, address: ObjectAddress, expires: Date): string {
  const seconds = Math.floor(expires.getTime() / 1000);
  const path = [address.bucket, ...address.key.split('/')].map(encodeURIComponent).join('/');
  const query = new URLSearchParams({
    method,
    expires: String(seconds),
    signature: signatureOf(key, method, address, seconds),
  });
  return `${PREFIX}/${path}?${query}`;
}

/** Throws `unauthorized` unless the query is a valid signature for this method and object at this time. */
export function checkSignature(
  key: Buffer,
  method: SignedMethod,
  address: ObjectAddress,
  query: { expires?: string | undefined; signature?: string | undefined },
  now: Date,
): void {
  const seconds = Number(query.expires);
  const expected = Buffer.from(signatureOf(key, method, address, seconds));
  const given = Buffer.from(query.signature ?? '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new KilnError('unauthorized', 'the signature does not fit this method and object');
  }
  if (!(now.getTime() < seconds * 1000)) {
    throw new KilnError('unauthorized', 'the signed address has expired');
  }
}

function signatureOf(key: Buffer, method: SignedMethod, address: ObjectAddress, seconds: number): string {
  const text = [method, address.bucket, address.key, String(seconds)].join('\n');
  return createHmac('sha256', key).update(text).digest('base64url');
}
