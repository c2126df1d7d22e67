import type { PublicKey } from '../../contract/public-keys.ts';
import type { Page, PageQuery } from '../../ports/page.ts';

/** The port to the records of public keys. Lists are in the order of registration. */
export interface PublicKeyStore {
  list(): Promise<PublicKey[]>;
  page(query: PageQuery): Promise<Page<PublicKey>>;
  find(id: string): Promise<PublicKey | undefined>;
  insert(key: PublicKey): Promise<void>;
  /** Replaces the record with the same id; false when there is none. */
  update(key: PublicKey): Promise<boolean>;
  delete(id: string): Promise<boolean>;
}
