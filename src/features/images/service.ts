/** The rules of images. */
import { KilnError } from '../../contract/errors.ts';
import type { Image, ImageArtifact, ImageCreate, ImageUpdate } from '../../contract/images.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { CleanupEntry } from '../../ports/cleanup.ts';
import type { Records } from '../../ports/records.ts';
import { addressOf, type Cleaner, mustExist } from '../objects/index.ts';
import type { ObjectStore } from '../objects/store.ts';
import { checkArtifacts, readManifest } from './manifest.ts';

export interface ImageServiceDeps {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly cleaner: Cleaner;
  readonly clock: Clock;
  readonly ids: Ids;
  /** How long the addresses of artifacts are good for. */
  readonly urlSeconds: number;
}

export type ImageService = ReturnType<typeof createImageService>;

export function createImageService(deps: ImageServiceDeps) {
  const { records, objects, cleaner, clock, ids } = deps;

  const find = async (id: string, from: Records = records): Promise<Image> => {
    const image = await from.images.find(id);
    if (image === undefined) {
      throw new KilnError('image-not-found', `there is no image ${id}`);
    }
    return image;
  };
  const checkLink = async (link: Image['link'] | undefined): Promise<void> => {
    if (link !== null && link !== undefined) {
      await mustExist(objects, link);
      await checkArtifacts(objects, await readManifest(objects, link.path));
    }
  };

  return {
    list: () => records.images.list(),
    get: (id: string) => find(id),

    async create(request: ImageCreate): Promise<Image> {
      await checkLink(request.link);
      const image: Image = {
        id: ids.id(),
        created: timestamp(clock.now()),
        name: request.name,
        arch: request.arch ?? 'x86_64',
        metadata: request.metadata ?? {},
        link: request.link ?? null,
        job_id: null,
      };
      await records.transaction(async (inside) => {
        await refuseTakenLink(inside, image);
        await inside.images.insert(image);
      });
      return image;
    },

    async update(id: string, change: ImageUpdate): Promise<Image> {
      await checkLink(change.link);
      return await records.transaction(async (inside) => {
        const before = await find(id, inside);
        if (change.link !== undefined && before.link !== null && before.link.path !== change.link.path) {
          throw new KilnError('link-is-set', `image ${id} has its manifest at ${before.link.path}`);
        }
        const after: Image = { ...before, ...change };
        await refuseTakenLink(inside, after);
        await inside.images.update(after);
        return after;
      });
    },

    /** The artifacts as they are in the store now, each with an address to fetch it from. */
    async artifacts(id: string): Promise<ImageArtifact[]> {
      const image = await find(id);
      if (image.link === null) {
        return [];
      }
      const { artifacts } = await readManifest(objects, image.link.path);
      const expires = new Date(clock.now().getTime() + deps.urlSeconds * 1000);
      return await Promise.all(
        artifacts.map(async ({ type, link }): Promise<ImageArtifact> => {
          const info = await mustExist(objects, link);
          return {
            type,
            path: link.path,
            size_bytes: info.sizeBytes,
            md5: info.md5,
            sha256: info.sha256,
            etag: info.etag,
            download_url: await objects.presign('GET', info, expires),
            expires: timestamp(expires),
          };
        }),
      );
    },

    async delete(id: string): Promise<void> {
      const image = await find(id);
      const owned = await objectsOf(image);
      await records.transaction(async (inside) => {
        await find(id, inside);
        await inside.images.delete(id);
        for (const entry of owned) {
          await inside.cleanup.insert(entry);
        }
      });
      await cleaner.run();
    },
  };

  /** What goes with the image: its own folder, and what its manifest lists elsewhere. */
  async function objectsOf(image: Image): Promise<CleanupEntry[]> {
    const entry = (bucket: CleanupEntry['bucket'], keyPrefix: string): CleanupEntry => ({
      id: ids.id(),
      bucket,
      keyPrefix,
      reason: `image ${image.id} deleted`,
      jobId: null,
    });
    const folder = entry('boot-images', `${image.id}/`);
    if (image.link === null) {
      return [folder];
    }
    // An image whose manifest is gone or unreadable can still be deleted; what it listed is not known any more.
    const manifest = await readManifest(objects, image.link.path).catch((error: unknown) => {
      if (error instanceof KilnError) {
        return undefined;
      }
      throw error;
    });
    const addresses = [image.link, ...(manifest?.artifacts ?? []).map(({ link }) => link)].map(addressOf);
    const elsewhere = addresses.filter(
      ({ bucket, key }) => bucket !== folder.bucket || !key.startsWith(folder.keyPrefix),
    );
    return [folder, ...elsewhere.map(({ bucket, key }) => entry(bucket, key))];
  }
}

async function refuseTakenLink(inside: Records, image: Image): Promise<void> {
  if (image.link === null) {
    return;
  }
  const owner = await inside.images.findByLinkPath(image.link.path);
  if (owner !== undefined && owner.id !== image.id) {
    throw new KilnError('link-taken', `${image.link.path} is the manifest of image ${owner.id}`);
  }
}
