/** The services of all nouns over a real database and the embedded store, in a folder of the test's own. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { openSqliteRecords } from '../../src/adapters/records/sqlite/index.ts';
import type { Architecture } from '../../src/contract/common.ts';
import { ARTIFACT_MEDIA_TYPES, type Image } from '../../src/contract/images.ts';
import { journaled } from '../../src/features/changes/index.ts';
import type { Bucket, ObjectStore } from '../../src/features/objects/store.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import { randomIds as ids } from '../../src/platform/ids.ts';
import { silentLog as log } from '../../src/platform/log.ts';
import { createFeatures } from '../../src/wiring/features.ts';

export type Nouns = Awaited<ReturnType<typeof openNouns>>;

const ARTIFACTS = ['rootfs', 'kernel', 'initrd'] as const;

/** May be opened again on the same folder, as a service that starts again would. `wrap` comes between it and the store. */
export async function openNouns(
  folder: string,
  wrap = (store: ObjectStore): ObjectStore => store,
  announce = () => {},
) {
  const stored = await openSqliteRecords({ file: join(folder, 'records.sqlite') });
  const records = journaled(stored, clock, announce);
  const objects = wrap(
    await openEmbeddedObjectStore({
      folder: join(folder, 'objects'),
      signingKey: Buffer.alloc(32),
      baseUrl: () => 'http://kiln.test',
    }),
  );
  const features = createFeatures({ records, objects, clock, ids, log, urlSeconds: 60, contents: undefined });

  const put = (bucket: Bucket, key: string, text: string | Buffer, metadata: Record<string, string> = {}) =>
    objects.put({ bucket, key }, Readable.from([Buffer.from(text)]), { metadata });

  return {
    records,
    objects,
    features,
    put,
    close: () => records.close(),

    /** All keys of a bucket, sorted. */
    async keys(bucket: Bucket): Promise<string[]> {
      const keys: string[] = [];
      for await (const { key } of objects.list(bucket, '')) {
        keys.push(key);
      }
      return keys.sort();
    },

    /** An object of the bucket of images. */
    async text(key: string): Promise<string> {
      const { data } = await objects.get({ bucket: 'boot-images', key });
      return Buffer.concat(await data.toArray()).toString('utf8');
    },

    /** A recipe with an archive; gives its id. */
    async makeRecipe(name: string): Promise<string> {
      const { id } = await features.recipes.create({ name, linux_distribution: 'debian12' });
      await features.recipes.uploadArchive(id, Readable.from([Buffer.from(`archive of ${id}`)]), {});
      return id;
    },

    /** An image with three small artifacts and a manifest, as a job would have published it. */
    async makeImage(
      name: string,
      options: { metadata?: Record<string, string>; arch?: Architecture; digests?: boolean },
    ): Promise<Image> {
      const { digests = true, ...fields } = options;
      const { id } = await features.images.create({ name, ...fields });
      const artifacts = [];
      for (const artifact of ARTIFACTS) {
        const text = `${artifact} of ${id}`;
        const md5 = createHash('md5').update(text).digest('hex');
        const { etag } = await put('boot-images', `${id}/${artifact}`, text, { md5sum: md5 });
        const link = { path: `s3://boot-images/${id}/${artifact}`, type: 's3', etag };
        artifacts.push({ type: ARTIFACT_MEDIA_TYPES[artifact], ...(digests ? { md5 } : {}), link });
      }
      const manifest = JSON.stringify({ version: '1.0', created: '2026-01-01 00:00:00.000000', artifacts });
      const { etag } = await put('boot-images', `${id}/manifest.json`, manifest);
      return await features.images.update(id, {
        link: { path: `s3://boot-images/${id}/manifest.json`, type: 's3', etag },
      });
    },
  };
}
