/** The services of all nouns over one set of records and one object store. */
import { createOperations } from '../features/deleted/index.ts';
import { createDeletedImages, createImageService } from '../features/images/index.ts';
import { createNodeService } from '../features/nodes/index.ts';
import { createCleaner } from '../features/objects/index.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import { createDeletedPublicKeys, createPublicKeyService } from '../features/public-keys/index.ts';
import { createDeletedRecipes, createRecipeService } from '../features/recipes/index.ts';
import { createOnce } from '../features/requests/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Records } from '../ports/records.ts';

export interface FeatureDeps {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** How long the addresses of artifacts are good for. */
  readonly urlSeconds: number;
}

export function createFeatures(deps: FeatureDeps) {
  const cleaner = createCleaner(deps);
  const operations = createOperations(deps);
  const all = { ...deps, cleaner, operations };
  return {
    recipes: createRecipeService(all),
    deletedRecipes: createDeletedRecipes(all),
    images: createImageService(all),
    deletedImages: createDeletedImages(all),
    publicKeys: createPublicKeyService(all),
    deletedPublicKeys: createDeletedPublicKeys(all),
    nodes: createNodeService(all),
    once: createOnce(deps),
    cleaner,
    /** Finishes what an earlier process left half done: moves first, then removals. */
    async resume(): Promise<void> {
      await operations.resume();
      await cleaner.run();
    },
  };
}
