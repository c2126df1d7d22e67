/**
 * Where things are on disk. An object is two files: a blob with a random name, and an entry, which is named by the
 * hash of its key and says which blob holds the data. The entry is the commit point: it is renamed into place when
 * the blob is safe on disk, so a crash leaves the old object, the new one, or a blob that nothing points at.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checkKey } from '../../../features/objects/keys.ts';
import type { ObjectAddress } from '../../../features/objects/store.ts';

export interface Layout {
  readonly temporary: string;
  readonly blobs: string;
  entries(bucket: string): string;
  entry(address: ObjectAddress): string;
  blob(name: string): string;
}

export function layoutOf(folder: string): Layout {
  const entries = (bucket: string) => join(folder, 'entries', bucket);
  return {
    temporary: join(folder, 'temporary'),
    blobs: join(folder, 'blobs'),
    entries,
    entry({ bucket, key }) {
      checkKey(key);
      const name = createHash('sha256').update(key).digest('hex');
      return join(entries(bucket), name.slice(0, 2), `${name}.json`);
    },
    blob: (name) => join(folder, 'blobs', name.slice(0, 2), name),
  };
}
