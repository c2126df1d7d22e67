/** The list of what was moved when an image was deleted: what taking it back or purging it goes by. */
import { Readable } from 'node:stream';
import type { DeletedImage } from '../../contract/deleted.ts';
import { deletedAddress } from '../deleted/index.ts';
import { ownAddress, pathOf } from '../objects/index.ts';
import type { ObjectAddress, ObjectStore } from '../objects/store.ts';
import type { ManifestEntry } from './listing.ts';

/** Media type under which the list names the manifest that was moved. */
export const MANIFEST_TYPE = 'application/vnd.cray.image.manifest';

export function deletedManifestAddress(imageId: string): ObjectAddress {
  return { bucket: 'boot-images', key: `deleted/${imageId}/deleted_manifest.json` };
}

/**
 * Writes the list, of the original entries or of those of an earlier list, with the etags that the objects have
 * now, wherever they are by now. Gives its path.
 */
export async function writeDeletedManifest(
  objects: ObjectStore,
  image: DeletedImage,
  entries: readonly ManifestEntry[],
): Promise<string> {
  const address = deletedManifestAddress(image.id);
  const own = image.link === null ? undefined : ownAddress(image.link);
  const listed: readonly ManifestEntry[] =
    own === undefined ||
    pathOf(own) === pathOf(address) ||
    entries.some((entry) => entry['type'] === MANIFEST_TYPE)
      ? entries
      : [...entries, { type: MANIFEST_TYPE, link: { path: pathOf(own), type: 's3' } }];
  const artifacts = await Promise.all(listed.map((entry) => movedEntry(objects, entry)));
  const text = JSON.stringify({ version: '1.0', created: secondsOf(image.deleted), artifacts });
  await objects.put(address, Readable.from([Buffer.from(text)]), { contentType: 'application/json' });
  return pathOf(address);
}

async function movedEntry(objects: ObjectStore, entry: ManifestEntry): Promise<ManifestEntry> {
  const from = ownAddress(entry.link);
  if (from === undefined) {
    return entry;
  }
  const to = from.key.startsWith('deleted/') ? from : deletedAddress(from);
  const info = (await objects.head(to)) ?? (await objects.head(from));
  const etag = info?.etag ?? entry.link['etag'] ?? '';
  return { ...entry, link: { ...entry.link, path: pathOf(to), type: 's3', etag } };
}

/** `YYYY-MM-DD HH:MM:SS`, as the reference writes it. */
function secondsOf(timestamp: string): string {
  return timestamp.slice(0, 19).replace('T', ' ');
}
