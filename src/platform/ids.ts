/** Identifiers and secrets as arguments, so that a test can hold them. */
import { randomBytes, randomUUID } from 'node:crypto';

export interface Ids {
  /** A random UUID, version 4, lower case. */
  id(): string;
  /** 256 random bits in URL-safe text. */
  secret(): string;
}

export const randomIds: Ids = {
  id: () => randomUUID(),
  secret: () => randomBytes(32).toString('base64url'),
};
