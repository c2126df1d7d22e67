/**
 * The records of the control plane, as one port: a store per noun, and transactions over all of them. Services
 * ask for the whole, so that a mutation that touches two nouns is still one transaction.
 */
import type { ImageStore } from '../features/images/store.ts';
import type { PublicKeyStore } from '../features/public-keys/store.ts';
import type { RecipeStore } from '../features/recipes/store.ts';
import type { JobStore } from '../jobs/store.ts';
import type { CleanupStore } from './cleanup.ts';

export interface Records {
  readonly recipes: RecipeStore;
  readonly images: ImageStore;
  readonly publicKeys: PublicKeyStore;
  readonly jobs: JobStore;
  readonly cleanup: CleanupStore;
  /** Runs the work in one transaction: all of it is stored, or none when it throws. Not to be nested. */
  transaction<T>(work: (records: Records) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
