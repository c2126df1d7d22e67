/**
 * The records of the control plane, as one port: a store per noun, and transactions over all of them. Services
 * ask for the whole, so that a mutation that touches two nouns is still one transaction.
 */
import type { DeletedImage, DeletedPublicKey, DeletedRecipe } from '../contract/deleted.ts';
import type { DeletedStore } from '../features/deleted/store.ts';
import type { ImageStore } from '../features/images/store.ts';
import type { NodeStore } from '../features/nodes/store.ts';
import type { PublicKeyStore } from '../features/public-keys/store.ts';
import type { RecipeStore } from '../features/recipes/store.ts';
import type { RepositoryStore } from '../features/repositories/store.ts';
import type { SigningKeyStore } from '../features/signing-keys/store.ts';
import type { JobPages, JobStore } from '../jobs/store.ts';
import type { ChangeStore } from './changes.ts';
import type { CleanupStore } from './cleanup.ts';
import type { IdempotencyStore } from './idempotency.ts';
import type { MoveStore } from './moves.ts';

export interface Records {
  readonly recipes: RecipeStore;
  readonly images: ImageStore;
  readonly publicKeys: PublicKeyStore;
  readonly deletedRecipes: DeletedStore<DeletedRecipe>;
  readonly deletedImages: DeletedStore<DeletedImage>;
  readonly deletedPublicKeys: DeletedStore<DeletedPublicKey>;
  readonly nodes: NodeStore;
  readonly repositories: RepositoryStore;
  readonly signingKeys: SigningKeyStore;
  readonly jobs: JobStore & JobPages;
  readonly cleanup: CleanupStore;
  readonly moves: MoveStore;
  readonly changes: ChangeStore;
  readonly idempotency: IdempotencyStore;
  /** Runs the work in one transaction: all of it is stored, or none when it throws. Not to be nested. */
  transaction<T>(work: (records: Records) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** What the life of a job touches. */
export interface JobRecords extends Pick<Records, 'cleanup'> {
  readonly jobs: JobStore;
  readonly recipes: Omit<RecipeStore, 'page'>;
  readonly images: Omit<ImageStore, 'page' | 'each'>;
  readonly publicKeys: Omit<PublicKeyStore, 'page'>;
  readonly signingKeys: Pick<SigningKeyStore, 'list'>;
  readonly nodes: Pick<NodeStore, 'list' | 'find' | 'knowledge'>;
  transaction<T>(work: (records: JobRecords) => Promise<T>): Promise<T>;
}
