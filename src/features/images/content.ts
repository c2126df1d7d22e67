/**
 * What an image is made of, when it comes from elsewhere: artifacts are uploaded one by one, and published together;
 * or they are those of another image. An image owns its objects, so that a copy has its own: the store makes them
 * without reading the data (on disk a second name for the same bytes).
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { KilnError } from '../../contract/errors.ts';
import {
  type Image,
  type Manifest,
  type ManifestArtifact,
  MEDIA_TYPES,
  UPLOADABLE,
  type UploadName,
} from '../../contract/images.ts';
import { timestamp } from '../../platform/clock.ts';
import { type Cleaner, ownAddress, pathOf } from '../objects/index.ts';
import type { ObjectAddress, ObjectInfo, StoredObject } from '../objects/store.ts';
import { companionsIn } from './companions.ts';
import { readManifest } from './manifest.ts';
import type { ImageServiceDeps } from './service.ts';

export interface ContentDeps extends ImageServiceDeps {
  readonly cleaner: Cleaner;
}

export type ImageContent = ReturnType<typeof createImageContent>;

/** Owners of this kind in the journal of removals are copies that are being made. */
const COPY = 'copy ';

export function createImageContent(deps: ContentDeps) {
  const { records, objects, operations, cleaner, clock, ids } = deps;

  const find = async (id: string): Promise<Image> => {
    const image = await records.images.find(id);
    if (image === undefined) {
      throw new KilnError('image-not-found', `there is no image ${id}`);
    }
    return image;
  };
  const mustBeOpen = async (id: string): Promise<Image> => {
    const image = await find(id);
    if (image.link !== null) {
      throw new KilnError('link-is-set', `image ${id} has its manifest at ${image.link.path}`);
    }
    return image;
  };
  const addressOf = (id: string, name: string): ObjectAddress => ({
    bucket: 'boot-images',
    key: `${id}/${name}`,
  });
  const writeManifest = async (id: string, artifacts: ManifestArtifact[]): Promise<StoredObject> => {
    const created = clock.now().toISOString().replace('T', ' ').replace('Z', '000');
    const manifest: Manifest = { version: '1.0', created, artifacts };
    const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    const address = addressOf(id, 'manifest.json');
    return await objects.put(address, Readable.from([text]), { contentType: 'application/json' });
  };

  return {
    /** Stores one artifact of an image that has no manifest yet; it belongs to the image from then on. */
    async upload(
      id: string,
      name: UploadName,
      data: Readable,
      expected: { md5?: string; sha256?: string },
    ): Promise<StoredObject> {
      const image = await mustBeOpen(id);
      const metadata = { 'x-shasta-ims-image-id': id, 'x-shasta-ims-image-name': asHeader(image.name) };
      const stored = await objects.put(addressOf(id, name), data, { metadata, expected });
      await disownUnlessKnown(id, stored);
      return stored;
    },

    /** Writes the manifest of what was uploaded. Throws `artifacts-missing` without a root file system. */
    async publish(id: string): Promise<Image> {
      await mustBeOpen(id);
      const artifacts: ManifestArtifact[] = [];
      for (const name of UPLOADABLE) {
        const info = name === 'import' ? undefined : await objects.head(addressOf(id, name));
        if (info !== undefined && name !== 'import') {
          artifacts.push(entryOf(MEDIA_TYPES[name], info));
        }
      }
      if (!artifacts.some(({ type }) => type === MEDIA_TYPES.rootfs)) {
        throw new KilnError('artifacts-missing', `no root file system was uploaded for image ${id}`);
      }
      const manifest = await writeManifest(id, artifacts);
      await disownUnlessKnown(id, manifest);
      return await operations.exclusively(id, () =>
        records.transaction(async (inside) => {
          const now = await inside.images.find(id);
          if (now === undefined) {
            throw new KilnError('image-not-found', `image ${id} was deleted meanwhile`);
          }
          const link = { path: pathOf(manifest), type: 's3' as const, etag: manifest.etag };
          const after: Image = { ...now, link };
          await inside.images.update(after);
          return after;
        }),
      );
    },

    /** A new image of the same artifacts. What was stored for it goes again when it does not come to be. */
    async copy(id: string, { name, metadata }: { name: string; metadata?: Image['metadata'] | undefined }) {
      const source = await find(id);
      if (source.link === null) {
        throw new KilnError('artifacts-missing', `image ${id} has no manifest, and so nothing to copy`);
      }
      const { artifacts } = await readManifest(objects, source.link.path);
      const copyId = ids.id();
      const owner = COPY + copyId;
      const reason = `the copy ${copyId} of image ${id} was not finished`;
      await records.cleanup.insert({
        id: randomUUID(),
        bucket: 'boot-images',
        keyPrefix: `${copyId}/`,
        reason,
        jobId: owner,
      });
      try {
        const copies: ManifestArtifact[] = [];
        for (const artifact of artifacts) {
          copies.push(await copyArtifact(artifact, copyId, copies));
        }
        for (const from of await companionsIn(objects, `${id}/`)) {
          await objects.copy(from, addressOf(copyId, from.key.slice(`${id}/`.length)));
        }
        const manifest = await writeManifest(copyId, copies);
        const image: Image = {
          ...source,
          id: copyId,
          created: timestamp(clock.now()),
          name,
          metadata: metadata ?? source.metadata,
          link: { path: pathOf(manifest), type: 's3', etag: manifest.etag },
        };
        await records.transaction(async (inside) => {
          await inside.images.insert(image);
          await inside.cleanup.forgetByJob(owner);
        });
        return image;
      } catch (error) {
        await records.cleanup.releaseByJob(owner);
        await cleaner.run();
        throw error;
      }
    },

    /** What an earlier process left of copies that it did not finish is removed. */
    resume: (): Promise<void> => records.cleanup.releaseByOwnersLike(COPY),
  };

  /**
   * An image may be deleted for good while something is stored for it: then that goes again. An image that can be
   * had back keeps it. Throws `image-not-found` in the first case.
   */
  async function disownUnlessKnown(id: string, { bucket, key }: ObjectAddress): Promise<void> {
    const isKnown = await operations.exclusively(id, () =>
      records.transaction(async (inside) => {
        const image = (await inside.images.find(id)) ?? (await inside.deletedImages.find(id));
        if (image === undefined) {
          const reason = `image ${id} was deleted for good while this was stored`;
          await inside.cleanup.insert({ id: ids.id(), bucket, keyPrefix: key, reason, jobId: null });
        }
        return image !== undefined;
      }),
    );
    if (!isKnown) {
      await cleaner.run();
      throw new KilnError('image-not-found', `image ${id} was deleted meanwhile`);
    }
  }

  async function copyArtifact(
    artifact: ManifestArtifact,
    copyId: string,
    before: readonly ManifestArtifact[],
  ): Promise<ManifestArtifact> {
    const from = ownAddress(artifact.link);
    if (from === undefined) {
      return artifact;
    }
    const last = from.key.split('/').at(-1) ?? 'artifact';
    const taken = before.some(({ link }) => link.path === pathOf(addressOf(copyId, last)));
    const info = await objects.copy(from, addressOf(copyId, taken ? `${before.length}-${last}` : last));
    return { ...artifact, link: { path: pathOf(info), type: 's3', etag: info.etag } };
  }
}

function entryOf(type: string, info: ObjectInfo): ManifestArtifact {
  return {
    type,
    ...(info.md5 && { md5: info.md5 }),
    ...(info.sha256 && { sha256: info.sha256 }),
    size_bytes: info.sizeBytes,
    link: { path: pathOf(info), type: 's3', etag: info.etag },
  };
}

/** Metadata travels in headers, which hold ASCII alone. */
function asHeader(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
