/** The rules of images. */
import { KilnError } from '../../contract/errors.ts';
import type { Image, ImageArtifact, ImageCreate, ImageUpdate } from '../../contract/images.ts';
import type { ListQuery } from '../../contract/listing.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Records } from '../../ports/records.ts';
import type { Operations } from '../deleted/index.ts';
import { type LinkCheck, mustExist } from '../objects/index.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type ListFilters, listed } from '../requests/index.ts';
import { checkArtifacts, readManifest } from './manifest.ts';

export interface ImageServiceDeps {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly ids: Ids;
  /** How long the addresses of artifacts are good for. */
  readonly urlSeconds: number;
}

export type ImageService = ReturnType<typeof createImageService>;

export function createImageService(deps: ImageServiceDeps) {
  const { records, objects, operations, clock, ids } = deps;

  const find = (id: string): Promise<Image> => mustFind(records, id);
  const checkManifest: LinkCheck = async (link) => {
    await mustExist(objects, link);
    await checkArtifacts(objects, await readManifest(objects, link.path));
  };

  return {
    list: () => records.images.list(),
    each: () => records.images.each(),
    page: (query: ListQuery, filters: ListFilters = {}) => listed(records.images, query, filters),
    get: (id: string) => find(id),

    async create(request: ImageCreate, check = checkManifest, id = ids.id()): Promise<Image> {
      if (request.link) {
        await check(request.link);
      }
      const image: Image = {
        id,
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

    /** A change may depend on the record; then it is made from the one that it is stored over. */
    async update(
      id: string,
      request: ImageUpdate | ((before: Image) => ImageUpdate),
      check: LinkCheck = checkManifest,
    ): Promise<Image> {
      const changeOf = typeof request === 'function' ? request : () => request;
      const { link } = changeOf(await find(id));
      if (link !== undefined) {
        await check(link);
      }
      const store = (inside: Records) => storeChange(inside, id, changeOf);
      return await operations.exclusively(id, () => records.transaction(store));
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
  };
}

async function mustFind(records: Records, id: string): Promise<Image> {
  const image = await records.images.find(id);
  if (image === undefined) {
    throw new KilnError('image-not-found', `there is no image ${id}`);
  }
  return image;
}

async function storeChange(
  inside: Records,
  id: string,
  changeOf: (before: Image) => ImageUpdate,
): Promise<Image> {
  const before = await mustFind(inside, id);
  const change = changeOf(before);
  if (change.link !== undefined && before.link !== null && before.link.path !== change.link.path) {
    throw new KilnError('link-is-set', `image ${id} has its manifest at ${before.link.path}`);
  }
  const after: Image = { ...before, ...change };
  await refuseTakenLink(inside, after);
  await inside.images.update(after);
  return after;
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
