/** The root file system of an image that is customized: which object it is, by the image's manifest. */
import { KilnError } from '../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES } from '../contract/images.ts';
import type { ObjectInfo, ObjectStore } from '../features/objects/store.ts';
import type { JobRecords } from '../ports/records.ts';
import { addressOf } from './addresses.ts';
import { readManifest } from './manifest.ts';

export interface ImageRoot {
  readonly name: string;
  /** With the digests that the store or the manifest knows. */
  readonly object: ObjectInfo;
  /** Whether a job here made it, which looked at all of its programs. */
  readonly isChecked: boolean;
}

/** Throws `image-not-found`, `image-without-manifest`, `manifest-invalid` or `object-not-found`. */
export async function rootOfImage(
  deps: { readonly records: JobRecords; readonly objects: ObjectStore },
  id: string,
): Promise<ImageRoot> {
  const image = await deps.records.images.find(id);
  if (image === undefined) {
    throw new KilnError('image-not-found', `there is no image ${id} any more`);
  }
  if (image.link === null) {
    throw new KilnError('image-without-manifest', `"${image.name}" has no manifest`);
  }
  const manifest = await readManifest(deps.objects, addressOf(image.link.path));
  const roots = manifest.artifacts.filter(({ type }) => type.startsWith(ARTIFACT_MEDIA_TYPES.rootfs));
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    throw new KilnError(
      'manifest-invalid',
      `an image has one root file system, and ${image.link.path} names ${roots.length}`,
    );
  }
  const object = await deps.objects.head(addressOf(root.link.path));
  if (object === undefined) {
    throw new KilnError('object-not-found', `the root file system ${root.link.path} is not in the store`);
  }
  return {
    name: image.name,
    isChecked: image.job_id !== null,
    object: { ...object, md5: object.md5 ?? root.md5 ?? null, sha256: object.sha256 ?? root.sha256 ?? null },
  };
}
