/**
 * Deleting images so that they can be had back: record and artifacts move aside, with a manifest that says what was
 * moved. Taking them back moves all of it home again; purging removes it for good.
 */

import type { DeletedImage } from '../../contract/deleted.ts';
import { KilnError } from '../../contract/errors.ts';
import type { Image } from '../../contract/images.ts';
import type { ListQuery } from '../../contract/listing.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Move, MoveOperation } from '../../ports/moves.ts';
import type { Records } from '../../ports/records.ts';
import { deletedAddress, type Operations, refuseOccupied, restoredAddress } from '../deleted/index.ts';
import { type Cleaner, ownAddress, pathOf } from '../objects/index.ts';
import type { ObjectAddress, ObjectStore } from '../objects/store.ts';
import { type ListFilters, listed } from '../requests/index.ts';
import { companionsIn } from './companions.ts';
import { deletedManifestAddress, MANIFEST_TYPE, writeDeletedManifest } from './deleted-manifest.ts';
import { readListing } from './listing.ts';

export interface DeletedImageDeps {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly cleaner: Cleaner;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly ids: Ids;
}

export type DeletedImageService = ReturnType<typeof createDeletedImages>;

export function createDeletedImages(deps: DeletedImageDeps) {
  const { records, objects, cleaner, operations, clock } = deps;
  operations.completeWith('image', 'delete', (operation) => completeDelete(deps, operation));
  operations.completeWith('image', 'undelete', (operation) => completeUndelete(deps, operation));

  const find = async (id: string): Promise<DeletedImage> => {
    const image = await records.deletedImages.find(id);
    if (image === undefined) {
      throw new KilnError('image-not-found', `there is no deleted image ${id}`);
    }
    return image;
  };

  return {
    list: () => records.deletedImages.list(),
    page: (query: ListQuery, filters: ListFilters = {}) => listed(records.deletedImages, query, filters),
    get: find,

    /** Deletes an active image. Throws `image-not-found`, and `manifest-invalid` for one that cannot be read. */
    async bury(id: string): Promise<void> {
      const moves = await operations.exclusively(id, async () => {
        const image = await records.images.find(id);
        if (image === undefined) {
          throw new KilnError('image-not-found', `there is no image ${id}`);
        }
        const deleted: DeletedImage = { ...image, deleted: timestamp(clock.now()) };
        const listing = image.link === null ? undefined : await readListing(objects, image.link.path);
        const moves =
          image.link === null || listing === undefined
            ? []
            : movesOf(image.link.path, listing.entries ?? [], await companionsIn(objects, `${id}/`));
        if (image.link !== null && listing !== undefined) {
          const path = await writeDeletedManifest(objects, deleted, listing.entries ?? []);
          deleted.link = { path, type: 's3', etag: '' };
        }
        await records.transaction(async (inside) => {
          await takeAway(inside, image);
          await inside.deletedImages.insert(deleted);
          if (moves.length > 0) {
            await inside.moves.insert({ recordId: id, noun: 'image', kind: 'delete', moves });
          }
        });
        return moves;
      });
      if (moves.length > 0) {
        await operations.settleSoon(id);
      }
    },

    /** Takes an image back. Throws `image-not-found`, or `manifest-invalid` when what was moved is not known. */
    undelete: (id: string): Promise<Image> =>
      operations.exclusively(id, async () => {
        const image = await find(id);
        const moves = image.link === null ? [] : await movesBack(objects, image.link.path, `deleted/${id}/`);
        await refuseOccupied(objects, moves);
        await records.transaction((inside) =>
          inside.moves.insert({ recordId: id, noun: 'image', kind: 'undelete', moves }),
        );
        await operations.settle(id);
        // Here, where nobody deletes the image again meanwhile: the journal of removals would also take a list that
        // is written later. One that stays does no harm: it is written anew, and goes with the image.
        await objects.delete(deletedManifestAddress(id)).catch(() => undefined);
        const restored = await records.images.find(id);
        if (restored === undefined) {
          throw new KilnError('image-not-found', `image ${id} was deleted again meanwhile`);
        }
        return restored;
      }),

    /** Removes a deleted image and all its objects for good. */
    async purge(id: string): Promise<void> {
      await operations.exclusively(id, async () => {
        const image = await find(id);
        const listed = image.link === null ? undefined : await readListing(objects, image.link.path);
        const addresses = (listed?.entries ?? []).map(({ link }) => ownAddress(link));
        await records.transaction(async (inside) => {
          await inside.deletedImages.delete(id);
          await journalRemoval(deps, inside, image, addresses.filter(isDefined));
        });
      });
      await cleaner.run();
    },

    /**
     * Removes an active image; with `cascade` its manifest and artifacts too. Throws `image-not-found`, and
     * `manifest-invalid` when what goes with it cannot be read.
     */
    async hardDelete(id: string, { cascade }: { cascade: boolean }): Promise<void> {
      await operations.exclusively(id, async () => {
        const image = await records.images.find(id);
        if (image === undefined) {
          throw new KilnError('image-not-found', `there is no image ${id}`);
        }
        const listed =
          cascade && image.link !== null ? await readListing(objects, image.link.path) : undefined;
        const links = [
          ...(listed?.entries ?? []).map(({ link }) => link),
          ...(image.link ? [image.link] : []),
        ];
        await records.transaction(async (inside) => {
          await takeAway(inside, image);
          if (cascade) {
            await journalRemoval(deps, inside, image, links.map(ownAddress).filter(isDefined));
          }
        });
      });
      await cleaner.run();
    },
  };
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}

async function takeAway(inside: Records, image: Image): Promise<void> {
  if (!(await inside.images.delete(image.id))) {
    throw new KilnError('image-not-found', `image ${image.id} was deleted meanwhile`);
  }
}

function movesOf(
  manifestPath: string,
  entries: readonly { link: { path: string } }[],
  companions: readonly ObjectAddress[],
): Move[] {
  const listed = [...entries.map(({ link }) => ownAddress(link)), ownAddress({ path: manifestPath })];
  const addresses = [...listed, ...companions];
  const unique = new Map(addresses.filter(isDefined).map((address) => [pathOf(address), address]));
  return [...unique.values()].map((from) => ({ from, to: deletedAddress(from) }));
}

async function movesBack(objects: ObjectStore, path: string, folder: string): Promise<Move[]> {
  const listing = await readListing(objects, path);
  if (listing?.entries === undefined) {
    throw new KilnError(
      'manifest-invalid',
      `${path} does not say what was moved; the image cannot be taken back`,
    );
  }
  const moved = listing.entries.flatMap(({ link }) => ownAddress(link) ?? []);
  return [...moved, ...(await companionsIn(objects, folder))].flatMap((from): Move[] => {
    const to = restoredAddress(from);
    return to === undefined ? [] : [{ from, to }];
  });
}

/** Everything of the image: its own folders, and what it lists elsewhere. */
async function journalRemoval(
  { ids }: DeletedImageDeps,
  inside: Records,
  image: Image,
  listed: readonly ObjectAddress[],
): Promise<void> {
  const reason = `image ${image.id} deleted for good`;
  const folders = [`${image.id}/`, `deleted/${image.id}/`];
  const elsewhere = listed.filter(
    ({ bucket, key }) => bucket !== 'boot-images' || !folders.some((folder) => key.startsWith(folder)),
  );
  const entries = [...folders.map((key) => ({ bucket: 'boot-images' as const, key })), ...elsewhere];
  for (const { bucket, key } of entries) {
    await inside.cleanup.insert({ id: ids.id(), bucket, keyPrefix: key, reason, jobId: null });
  }
}

/** The store may have given the copies other etags than the originals had; the list says those. */
async function completeDelete({ records, objects }: DeletedImageDeps, { recordId }: MoveOperation) {
  const image = await records.deletedImages.find(recordId);
  const listing = image?.link ? await readListing(objects, image.link.path) : undefined;
  if (image !== undefined && listing?.entries !== undefined) {
    await writeDeletedManifest(objects, image, listing.entries);
  }
  return async () => {};
}

async function completeUndelete(deps: DeletedImageDeps, { recordId }: MoveOperation) {
  const { records, objects } = deps;
  const image = await records.deletedImages.find(recordId);
  const listing = image?.link ? await readListing(objects, image.link.path) : undefined;
  const manifest = listing?.entries?.find((entry) => entry['type'] === MANIFEST_TYPE);
  const address = manifest && ownAddress(manifest.link);
  const home = address && restoredAddress(address);
  const info = home && (await objects.head(home));
  return async (inside: Records) => {
    if (image === undefined) {
      return;
    }
    const { deleted: _when, ...rest } = image;
    const link = home && info ? { path: pathOf(home), type: 's3' as const, etag: info.etag } : rest.link;
    await inside.deletedImages.delete(recordId);
    await inside.images.insert({ ...rest, link });
  };
}
