/** Addresses of the objects of a job. */
import { KilnError } from '../contract/errors.ts';
import type { ArtifactName } from '../contract/images.ts';
import { BUCKETS, type ObjectAddress } from '../features/objects/store.ts';

/** The object of an image, or its manifest. */
export function imageObject(
  imageId: string,
  name: ArtifactName | 'manifest.json' | 'import' | ImageCompanion,
): ObjectAddress {
  return { bucket: 'boot-images', key: `${imageId}/${name}` };
}

/** What lies beside the artifacts of an image without being one. */
export type ImageCompanion = 'packages.json' | 'history.json' | `recordings/${number}.cast`;

export function pathOf(address: ObjectAddress): string {
  return `s3://${address.bucket}/${address.key}`;
}

/** Reads `s3://BUCKET/KEY`. Throws `bad-bucket`. */
export function addressOf(path: string): ObjectAddress {
  const [, name, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(path) ?? [];
  const bucket = BUCKETS.find((each) => each === name);
  if (bucket === undefined || key === undefined) {
    throw new KilnError('bad-bucket', `${path} is in none of the buckets ${BUCKETS.join(', ')}`);
  }
  return { bucket, key };
}
