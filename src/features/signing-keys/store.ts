import type { SigningKey } from '../../contract/signing-keys.ts';

/** The port to the records of signing keys, in the order of registration. */
export interface SigningKeyStore {
  list(): Promise<SigningKey[]>;
  find(id: string): Promise<SigningKey | undefined>;
  /** Inserts the record, or replaces the one with its id. */
  put(key: SigningKey): Promise<void>;
  delete(id: string): Promise<boolean>;
}
