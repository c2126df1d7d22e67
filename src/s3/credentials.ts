/**
 * Keys of clients. Kiln keeps none: the secret and the token of an access key are computed from the service's own
 * signing key, and the access key says itself until when it is good.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { S3Error } from './errors.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expires: Date;
}

const FORM = /^KILN([0-9A-Z]{8})[0-9A-F]{20}$/;

export interface Credentialer {
  /** New keys, good for that long from now on. */
  issue(seconds: number): Credentials;
  /**
   * The secret that belongs to an access key. The token is checked where the client sent one; who has the secret
   * does not need it. Throws `S3Error`: `InvalidAccessKeyId`, `ExpiredToken`.
   */
  secretOf(accessKeyId: string, sessionToken: string | undefined): string;
}

export function createCredentialer(signingKey: Buffer, now: () => Date): Credentialer {
  const derive = (purpose: string, accessKeyId: string) =>
    createHmac('sha256', signingKey).update(`s3 ${purpose}\n${accessKeyId}`).digest('base64url');
  return {
    issue(seconds) {
      const until = Math.floor(now().getTime() / 1000) + seconds;
      const random = randomBytes(10).toString('hex').toUpperCase();
      const accessKeyId = `KILN${until.toString(36).toUpperCase().padStart(8, '0')}${random}`;
      return {
        accessKeyId,
        secretAccessKey: derive('secret', accessKeyId),
        sessionToken: derive('token', accessKeyId),
        expires: new Date(until * 1000),
      };
    },
    secretOf(accessKeyId, sessionToken) {
      const [, until] = FORM.exec(accessKeyId) ?? [];
      if (until === undefined) {
        throw new S3Error(
          'InvalidAccessKeyId',
          'Kiln did not give out this access key; `kiln s3 credentials` gives one',
        );
      }
      if (now().getTime() >= Number.parseInt(until, 36) * 1000) {
        throw new S3Error(
          'ExpiredToken',
          'the access key has expired; `kiln s3 credentials` gives a new one',
        );
      }
      if (sessionToken !== undefined && !same(sessionToken, derive('token', accessKeyId))) {
        throw new S3Error('InvalidAccessKeyId', 'the session token does not belong to this access key');
      }
      return derive('secret', accessKeyId);
    },
  };
}

export function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
