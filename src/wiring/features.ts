/** The services of all nouns over one set of records and one object store. */

import { KilnError } from '../contract/errors.ts';
import { createOperations } from '../features/deleted/index.ts';
import { createExchange } from '../features/exchange/index.ts';
import {
  createDeletedImages,
  createImageContent,
  createImageHistories,
  createImageService,
} from '../features/images/index.ts';
import { createNodeService, createNodeWatch, type NodeReach } from '../features/nodes/index.ts';
import { createCleaner } from '../features/objects/index.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import { createDeletedPublicKeys, createPublicKeyService } from '../features/public-keys/index.ts';
import { createDeletedRecipes, createRecipeService } from '../features/recipes/index.ts';
import { createRepositoryService } from '../features/repositories/index.ts';
import type { RepositoryContents } from '../features/repositories/store.ts';
import { createOnce } from '../features/requests/index.ts';
import { createSigningKeyService } from '../features/signing-keys/index.ts';
import { convertTakeover } from '../ims/index.ts';
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
  /** What is in package repositories; undefined when this service serves none. */
  readonly contents: RepositoryContents | undefined;
  /** How build nodes are reached; they are not without it. */
  readonly reach?: NodeReach & { publicKey(): Promise<string> };
  /** How often they are looked at, in ms. */
  readonly nodeIntervalMs?: number;
}

const away = () => Promise.reject(new KilnError('no-node', 'this service reaches no build nodes'));
const NOWHERE = {
  publicKey: away,
  look: async () => ({
    ssh_status: 'Unknown',
    runtime_status: 'Unknown',
    facts: null,
    problems: [],
    seen_fingerprints: [],
  }),
  prepare: away,
  sweep: away,
};

export function createFeatures(deps: FeatureDeps) {
  const cleaner = createCleaner(deps);
  const operations = createOperations(deps);
  const all = { ...deps, cleaner, operations };
  const deletedRecipes = createDeletedRecipes(all);
  const deletedImages = createDeletedImages(all);
  const deletedPublicKeys = createDeletedPublicKeys(all);
  const exchange = createExchange({
    ...all,
    converters: [convertTakeover],
    removers: {
      images: deletedImages,
      recipes: { ...deletedRecipes, bury: (id) => deletedRecipes.bury(id, { unlessUsed: false }) },
      public_keys: deletedPublicKeys,
    },
  });
  const imageContent = createImageContent(all);
  const reach = deps.reach ?? NOWHERE;
  const watch = createNodeWatch({ ...deps, reach, intervalMs: deps.nodeIntervalMs ?? 30_000 });
  return {
    recipes: createRecipeService(all),
    deletedRecipes,
    images: createImageService(all),
    deletedImages,
    imageContent,
    imageHistories: createImageHistories(all),
    publicKeys: createPublicKeyService(all),
    deletedPublicKeys,
    exchange,
    nodes: createNodeService({ records: deps.records, look: watch.look, publicKey: reach.publicKey }),
    nodeWatch: watch,
    repositories: createRepositoryService(all),
    signingKeys: createSigningKeyService(all),
    once: createOnce(deps),
    cleaner,
    /** Gives up what an earlier process stored for nobody. To be called before requests are taken. */
    async giveUpUnfinished(): Promise<void> {
      await exchange.resume();
      await imageContent.resume();
    },
    /** Finishes what an earlier process left half done: moves first, then removals. */
    async resume(): Promise<void> {
      await operations.resume();
      await cleaner.run();
    },
  };
}
