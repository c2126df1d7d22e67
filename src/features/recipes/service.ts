/** The rules of recipes. */
import type { Readable } from 'node:stream';
import type { Link } from '../../contract/common.ts';
import { KilnError } from '../../contract/errors.ts';
import type { ListQuery } from '../../contract/listing.ts';
import type { Recipe, RecipeCreate, RecipeUpdate } from '../../contract/recipes.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Records } from '../../ports/records.ts';
import type { Operations } from '../deleted/index.ts';
import { type Cleaner, type LinkCheck, mustExist, pathOf } from '../objects/index.ts';
import type { ObjectAddress, ObjectStore } from '../objects/store.ts';
import { type ListFilters, listed } from '../requests/index.ts';

export interface RecipeServiceDeps {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly cleaner: Cleaner;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Where an archive is kept that is uploaded to Kiln. */
export function archiveAddress(id: string): ObjectAddress {
  return { bucket: 'ims', key: `recipes/${id}/recipe.tar.gz` };
}

export type RecipeService = ReturnType<typeof createRecipeService>;

export function createRecipeService(deps: RecipeServiceDeps) {
  const { records, objects, cleaner, operations, clock, ids } = deps;

  const find = async (id: string, from: Records = records): Promise<Recipe> => {
    const recipe = await from.recipes.find(id);
    if (recipe === undefined) {
      throw new KilnError('recipe-not-found', `there is no recipe ${id}`);
    }
    return recipe;
  };

  const checkArchive: LinkCheck = async (link) => {
    await mustExist(objects, link);
  };

  const uploading = new Set<string>();

  return {
    list: () => records.recipes.list(),
    page: (query: ListQuery, filters: ListFilters = {}) => listed(records.recipes, query, filters),
    get: (id: string) => find(id),

    async create(request: RecipeCreate, check = checkArchive, id = ids.id()): Promise<Recipe> {
      const link = request.link ?? null;
      if (link !== null) {
        await check(link);
      }
      const recipe: Recipe = {
        id,
        created: timestamp(clock.now()),
        name: request.name,
        recipe_type: request.recipe_type ?? 'kiwi-ng',
        linux_distribution: request.linux_distribution,
        template_dictionary: request.template_dictionary ?? [],
        arch: request.arch ?? 'x86_64',
        require_dkms: request.require_dkms ?? true,
        link,
      };
      await records.transaction(async (inside) => {
        await refuseTakenLink(inside, recipe);
        await inside.recipes.insert(recipe);
      });
      return recipe;
    },

    /** A change may depend on the record; then it is made from the one that it is stored over. */
    async update(
      id: string,
      request: RecipeUpdate | ((before: Recipe) => RecipeUpdate),
      check: LinkCheck = checkArchive,
    ): Promise<Recipe> {
      const changeOf = typeof request === 'function' ? request : () => request;
      const { link } = changeOf(await find(id));
      if (link !== undefined) {
        await check(link);
      }
      const store = async (inside: Records): Promise<Recipe> => {
        const before = await find(id, inside);
        const change = changeOf(before);
        refuseOtherLink(before, change.link);
        const after: Recipe = { ...before, ...change };
        await refuseTakenLink(inside, after);
        await inside.recipes.update(after);
        return after;
      };
      return await operations.exclusively(id, () => records.transaction(store));
    },

    /**
     * Stores an archive and links it. One that a crash leaves unlinked is where the recipe's archive belongs: it is
     * written over by the next upload, and goes with the recipe.
     */
    async uploadArchive(id: string, data: Readable, expected: { sha256?: string }): Promise<Recipe> {
      const recipe = await find(id);
      if (recipe.link !== null) {
        throw new KilnError('link-is-set', `recipe ${id} has its archive at ${recipe.link.path}`);
      }
      if (uploading.has(id)) {
        throw new KilnError('link-is-set', `an archive of recipe ${id} is being uploaded at this moment`);
      }
      uploading.add(id);
      try {
        const address = archiveAddress(id);
        const info = await objects.put(address, data, { contentType: 'application/gzip', expected });
        const link: Link = { path: pathOf(address), type: 's3', etag: info.etag };
        return await operations.exclusively(id, () => linkArchive(id, address, link));
      } finally {
        uploading.delete(id);
      }
    },
  };

  async function linkArchive(id: string, address: ObjectAddress, link: Link): Promise<Recipe> {
    const linked = await records.transaction(async (inside) => {
      const now = await inside.recipes.find(id);
      if (now === undefined) {
        await inside.cleanup.insert({
          id: ids.id(),
          bucket: address.bucket,
          keyPrefix: address.key,
          reason: `recipe ${id} was deleted during the upload of its archive`,
          jobId: null,
        });
        return undefined;
      }
      const after: Recipe = { ...now, link };
      await inside.recipes.update(after);
      return after;
    });
    if (linked === undefined) {
      await cleaner.run();
      throw new KilnError('recipe-not-found', `recipe ${id} was deleted during the upload`);
    }
    return linked;
  }
}

/** A link is written once: only the same one may be sent again. */
function refuseOtherLink(before: Recipe, link: Link | undefined): void {
  if (link !== undefined && before.link !== null && before.link.path !== link.path) {
    throw new KilnError('link-is-set', `recipe ${before.id} has its archive at ${before.link.path}`);
  }
}

async function refuseTakenLink(inside: Records, recipe: Recipe): Promise<void> {
  if (recipe.link === null) {
    return;
  }
  const owner = await inside.recipes.findByLinkPath(recipe.link.path);
  if (owner !== undefined && owner.id !== recipe.id) {
    throw new KilnError('link-taken', `${recipe.link.path} is the archive of recipe ${owner.id}`);
  }
}
