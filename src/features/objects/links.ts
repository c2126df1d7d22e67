/** Links as they are on the wire, and the objects that they name. */
import type { Link } from '../../contract/common.ts';
import { KilnError } from '../../contract/errors.ts';
import { BUCKETS, type ObjectAddress, type ObjectInfo, type ObjectStore } from './store.ts';

/** Throws `bad-bucket` for a bucket that Kiln does not keep. */
export function addressOf(link: Pick<Link, 'path'>): ObjectAddress {
  const [, name, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(link.path) ?? [];
  const bucket = BUCKETS.find((each) => each === name);
  if (bucket === undefined || key === undefined) {
    throw new KilnError('bad-bucket', `${link.path}: the buckets are ${BUCKETS.join(' and ')}`);
  }
  return { bucket, key };
}

/** Undefined for a link to what is not in one of Kiln's buckets: that is not Kiln's to move or delete. */
export function ownAddress(link: Pick<Link, 'path'>): ObjectAddress | undefined {
  try {
    return addressOf(link);
  } catch (error) {
    if (error instanceof KilnError && error.code === 'bad-bucket') {
      return undefined;
    }
    throw error;
  }
}

/** Looks at the object behind a link before a record gets it; throws when it may not. */
export type LinkCheck = (link: Link) => Promise<void>;

export function pathOf({ bucket, key }: ObjectAddress): string {
  return `s3://${bucket}/${key}`;
}

/** Throws `object-not-found` when there is no such object. */
export async function mustExist(objects: ObjectStore, link: Pick<Link, 'path'>): Promise<ObjectInfo> {
  const info = await objects.head(addressOf(link));
  if (info === undefined) {
    throw new KilnError('object-not-found', link.path);
  }
  return info;
}
