/**
 * The image that a job made: what its runner uploaded is verified against what it announced, and then the image
 * is registered in the same transaction that ends the job.
 */
import type { Link } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES, type Image, type ManifestArtifact } from '../contract/images.ts';
import type { ObjectInfo, ObjectStore } from '../features/objects/store.ts';
import type { JobRecords } from '../ports/records.ts';
import { addressOf, imageObject, pathOf } from './addresses.ts';
import { readManifest } from './manifest.ts';
import { fenced } from './runner-access.ts';
import { closeSteps } from './step-changes.ts';
import type { StoredJob } from './store.ts';

/**
 * Checks that every artifact is in the store as announced and that the uploaded manifest lists the same ones;
 * gives the manifest's object. Throws `object-not-found`, `checksum-mismatch` or `manifest-invalid`.
 */
export async function verifyUploads(
  objects: ObjectStore,
  imageId: string,
  artifacts: readonly ManifestArtifact[],
): Promise<ObjectInfo> {
  const roots = artifacts.filter((artifact) => artifact.type === ARTIFACT_MEDIA_TYPES.rootfs);
  if (roots.length !== 1) {
    throw new KilnError('manifest-invalid', `an image has one root file system, not ${roots.length}`);
  }
  for (const artifact of artifacts) {
    await verifyArtifact(objects, imageId, artifact);
  }
  return verifyManifest(objects, imageId, artifacts);
}

async function verifyArtifact(
  objects: ObjectStore,
  imageId: string,
  artifact: ManifestArtifact,
): Promise<void> {
  const { path } = artifact.link;
  const address = addressOf(path);
  if (address.bucket !== 'boot-images' || !address.key.startsWith(`${imageId}/`)) {
    throw new KilnError('manifest-invalid', `${path} is not an object of image ${imageId}`);
  }
  const info = await objects.head(address);
  if (info === undefined) {
    throw new KilnError('object-not-found', `there is no object ${path}`);
  }
  const md5 = artifact.md5 ?? info.md5;
  if (artifact.size_bytes !== info.sizeBytes || artifact.sha256 !== info.sha256 || md5 !== info.md5) {
    const announced = `${artifact.size_bytes} bytes, sha256 ${artifact.sha256}`;
    const stored = `${info.sizeBytes} bytes, sha256 ${info.sha256}`;
    throw new KilnError('checksum-mismatch', `${path} was announced with ${announced}, and has ${stored}`);
  }
}

async function verifyManifest(
  objects: ObjectStore,
  imageId: string,
  artifacts: readonly ManifestArtifact[],
): Promise<ObjectInfo> {
  const address = imageObject(imageId, 'manifest.json');
  const { info, ...manifest } = await readManifest(objects, address);
  if (fingerprint(manifest.artifacts) !== fingerprint(artifacts)) {
    throw new KilnError('manifest-invalid', 'the manifest lists other artifacts than the runner announced');
  }
  return info;
}

/** The artifacts as one text, whatever the order in which they and their fields are written. */
function fingerprint(artifacts: readonly ManifestArtifact[]): string {
  return artifacts
    .map(({ type, link, sha256, size_bytes }) => [type, link.path, sha256, size_bytes].join(' '))
    .sort()
    .join('\n');
}

/** The image that the job has made already; undefined when it has not succeeded. */
export async function registeredImage(records: JobRecords, job: StoredJob): Promise<Image | undefined> {
  const id = job.snapshot.resultantImageId;
  return id === null ? undefined : records.images.find(id);
}

/** Inserts the image, keeps its objects and ends the job as succeeded: inside a transaction of the caller. */
export async function registerImage(
  records: JobRecords,
  job: StoredJob,
  manifest: ObjectInfo,
  at: string,
): Promise<Image> {
  const link = { path: pathOf(manifest), type: 's3' as const, etag: manifest.etag };
  const image = await storeImage(records, job, link, at);
  const { attempt, sequence } = job.snapshot;
  const next = { state: 'succeeded', at, attempt, reason: null, resultantImageId: image.id } as const;
  if (!(await records.jobs.advance(job.request.id, sequence, next))) {
    throw fenced(job, attempt);
  }
  await records.jobs.setSteps(job.request.id, closeSteps(job.steps, 'done', at));
  await records.cleanup.forgetByJob(job.request.id);
  await records.jobs.setHeartbeat(job.request.id, at);
  return image;
}

/** A new image; that of an import was registered before. */
async function storeImage(records: JobRecords, job: StoredJob, link: Link, at: string): Promise<Image> {
  const { id: job_id, job_type, image_root_archive_name: name, arch } = job.request;
  if (job_type !== 'import') {
    const image: Image = {
      id: job.reservedImageId,
      created: at,
      name,
      arch,
      ...(await carriedOn(records, job)),
      link,
      job_id,
    };
    await records.images.insert(image);
    return image;
  }
  const before = await records.images.find(job.reservedImageId);
  if (before === undefined) {
    throw new KilnError('image-not-found', `image ${job.reservedImageId} was deleted during its import`);
  }
  const image: Image = { ...before, link, job_id };
  await records.images.update(image);
  const { bucket, key } = imageObject(image.id, 'import');
  const reason = `image ${image.id} is imported`;
  await records.cleanup.insert({ id: `import-of-${image.id}`, bucket, keyPrefix: key, reason, jobId: null });
  return image;
}

/** A customized image has the metadata of its parent, as it is now; of a parent that is gone, as it was. */
async function carriedOn(
  records: JobRecords,
  { request, customization }: StoredJob,
): Promise<Pick<Image, 'metadata' | 'parent'>> {
  if (request.job_type !== 'customize') {
    return { metadata: {} };
  }
  const parent = await records.images.find(request.artifact_id);
  return { metadata: parent?.metadata ?? customization.metadata, parent: request.artifact_id };
}
