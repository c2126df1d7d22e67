/**
 * Deleting recipes so that they can be had back: the record and its archive move aside. Taking them back moves both
 * home again; purging removes them for good.
 */

import type { DeletedRecipe } from '../../contract/deleted.ts';
import { KilnError } from '../../contract/errors.ts';
import type { ListQuery } from '../../contract/listing.ts';
import type { Recipe } from '../../contract/recipes.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Move, MoveOperation } from '../../ports/moves.ts';
import type { Records } from '../../ports/records.ts';
import { deletedAddress, type Operations, refuseOccupied, restoredAddress } from '../deleted/index.ts';
import { type Cleaner, mustExist, ownAddress, pathOf } from '../objects/index.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type ListFilters, listed } from '../requests/index.ts';
import { archiveAddress } from './service.ts';

export interface DeletedRecipeDeps {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly cleaner: Cleaner;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface DeleteRecipeOptions {
  /** Refuses to delete a recipe that an unfinished job builds from (`recipe-in-use`). */
  readonly unlessUsed: boolean;
}

export type DeletedRecipeService = ReturnType<typeof createDeletedRecipes>;

const UNFINISHED = ['queued', 'starting', 'running', 'cancelling'] as const;

export function createDeletedRecipes(deps: DeletedRecipeDeps) {
  const { records, objects, cleaner, operations, clock, ids } = deps;
  operations.completeWith('recipe', 'delete', async (operation) => {
    const link = await linkAfter(objects, operation);
    return async (inside) => {
      const recipe = await inside.deletedRecipes.find(operation.recordId);
      if (recipe !== undefined && link !== undefined) {
        await inside.deletedRecipes.update({ ...recipe, link });
      }
    };
  });
  operations.completeWith('recipe', 'undelete', async (operation) => {
    const link = await linkAfter(objects, operation);
    return async (inside) => {
      const deleted = await inside.deletedRecipes.find(operation.recordId);
      if (deleted !== undefined) {
        const { deleted: _when, ...recipe } = deleted;
        await inside.deletedRecipes.delete(recipe.id);
        await inside.recipes.insert({ ...recipe, link: link ?? recipe.link });
      }
    };
  });

  const find = async (id: string): Promise<DeletedRecipe> => {
    const recipe = await records.deletedRecipes.find(id);
    if (recipe === undefined) {
      throw new KilnError('recipe-not-found', `there is no deleted recipe ${id}`);
    }
    return recipe;
  };

  return {
    list: () => records.deletedRecipes.list(),
    page: (query: ListQuery, filters: ListFilters = {}) => listed(records.deletedRecipes, query, filters),
    get: find,

    /** Deletes an active recipe. An archive that is gone already is no obstacle; its link stays as it is then. */
    async bury(id: string, { unlessUsed }: DeleteRecipeOptions): Promise<void> {
      const moved = await operations.exclusively(id, async () => {
        const recipe = await active(records, id);
        const from = recipe.link === null ? undefined : ownAddress(recipe.link);
        const info = from && (await objects.head(from));
        const move: Move | undefined = info && from && { from, to: deletedAddress(from) };
        await records.transaction(async (inside) => {
          if (unlessUsed) {
            await refuseUsed(inside, id);
          }
          await takeAway(inside, id);
          await inside.deletedRecipes.insert({
            ...recipe,
            deleted: timestamp(clock.now()),
            link: move ? { path: pathOf(move.to), type: 's3', etag: info?.etag ?? '' } : recipe.link,
          });
          if (move !== undefined) {
            await inside.moves.insert({ recordId: id, noun: 'recipe', kind: 'delete', moves: [move] });
          }
        });
        return move !== undefined;
      });
      if (moved) {
        await operations.settleSoon(id);
      }
    },

    /** Takes a recipe back. Throws `recipe-not-found`, or `object-not-found` when its archive is gone. */
    undelete: (id: string): Promise<Recipe> =>
      operations.exclusively(id, async () => {
        const { link } = await find(id);
        const from = link === null ? undefined : await mustExist(objects, link);
        const to = from && restoredAddress(from);
        const moves: Move[] = from && to ? [{ from: { bucket: from.bucket, key: from.key }, to }] : [];
        await refuseOccupied(objects, moves);
        await records.transaction((inside) =>
          inside.moves.insert({ recordId: id, noun: 'recipe', kind: 'undelete', moves }),
        );
        await operations.settle(id);
        return await active(records, id);
      }),

    /** Removes a deleted recipe and its archive for good. */
    async purge(id: string): Promise<void> {
      await operations.exclusively(id, async () => {
        const recipe = await find(id);
        await records.transaction(async (inside) => {
          await inside.deletedRecipes.delete(id);
          await journalRemoval(inside, recipe);
        });
      });
      await cleaner.run();
    },

    /** Removes an active recipe; with `cascade` its archive too. Throws `recipe-not-found`. */
    async hardDelete(id: string, { cascade }: { cascade: boolean }): Promise<void> {
      await operations.exclusively(id, async () => {
        const recipe = await active(records, id);
        await records.transaction(async (inside) => {
          await takeAway(inside, id);
          if (cascade) {
            await journalRemoval(inside, recipe);
          }
        });
      });
      await cleaner.run();
    },
  };

  /** The archive of a recipe without a link may be there too: stored, with a crash before it was linked. */
  async function journalRemoval(inside: Records, { id, link }: Recipe): Promise<void> {
    const address = link === null ? archiveAddress(id) : ownAddress(link);
    if (address === undefined) {
      return;
    }
    if (link === null && (await inside.recipes.findByLinkPath(pathOf(address))) !== undefined) {
      return;
    }
    const { bucket, key } = address;
    const reason = `recipe ${id} deleted for good`;
    await inside.cleanup.insert({ id: ids.id(), bucket, keyPrefix: key, reason, jobId: null });
  }
}

async function active(records: Records, id: string): Promise<Recipe> {
  const recipe = await records.recipes.find(id);
  if (recipe === undefined) {
    throw new KilnError('recipe-not-found', `there is no recipe ${id}`);
  }
  return recipe;
}

async function takeAway(inside: Records, id: string): Promise<void> {
  if (!(await inside.recipes.delete(id))) {
    throw new KilnError('recipe-not-found', `recipe ${id} was deleted meanwhile`);
  }
}

async function refuseUsed(inside: Records, id: string): Promise<void> {
  const user = (await inside.jobs.inStates(UNFINISHED)).find((job) => job.request.artifact_id === id);
  if (user !== undefined) {
    throw new KilnError('recipe-in-use', `job ${user.request.id} is building from recipe ${id}`);
  }
}

/** Where the archive is now; undefined when nothing was moved. */
async function linkAfter(
  objects: ObjectStore,
  { moves }: MoveOperation,
): Promise<Recipe['link'] | undefined> {
  const [move] = moves;
  const info = move && (await objects.head(move.to));
  return info && { path: pathOf(info), type: 's3', etag: info.etag };
}
