/** Everything that a service has, as one document: all records of one moment, and the objects that belong to them. */
import type { ExportDocument, ExportedObject } from '../../contract/exchange.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Records } from '../../ports/records.ts';
import { companionsIn, readListing } from '../images/index.ts';
import { ownAddress, pathOf } from '../objects/index.ts';
import type { ObjectAddress, ObjectInfo, ObjectStore } from '../objects/store.ts';
import { exportedJob } from './jobs.ts';

export interface ExchangeStores {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

export async function collect({ records, objects, clock }: ExchangeStores): Promise<ExportDocument> {
  const all = await records.transaction(async (inside) => ({
    version: 1 as const,
    created: timestamp(clock.now()),
    images: await inside.images.list(),
    recipes: await inside.recipes.list(),
    public_keys: await inside.publicKeys.list(),
    deleted: {
      images: await inside.deletedImages.list(),
      recipes: await inside.deletedRecipes.list(),
      public_keys: await inside.deletedPublicKeys.list(),
    },
    nodes: await inside.nodes.list(),
    jobs: (await inside.jobs.list()).flatMap((job) => exportedJob(job) ?? []),
  }));
  const found: ExportedObject[] = [];
  for (const address of await addressesOf(all, objects)) {
    const info = await objects.head(address);
    if (info !== undefined) {
      found.push(exportedObject(info));
    }
  }
  return { ...all, objects: found };
}

type AllRecords = Omit<ExportDocument, 'objects'>;

/** Of recipes their archives; of images their manifests, what those list, and what lies beside it. */
async function addressesOf(all: AllRecords, objects: ObjectStore): Promise<ObjectAddress[]> {
  const images = [...all.images, ...all.deleted.images].flatMap(({ link }) => link ?? []);
  const recipes = [...all.recipes, ...all.deleted.recipes].flatMap(({ link }) => link ?? []);
  const artifacts: Array<{ path: string }> = [];
  for (const { path } of images) {
    // A manifest that cannot be read goes into the archive as it is, and so does its record.
    const listing = await readListing(objects, path).catch(() => undefined);
    artifacts.push(...(listing?.entries ?? []).map(({ link }) => link));
  }
  const folders = [
    ...all.images.map(({ id }) => `${id}/`),
    ...all.deleted.images.map(({ id }) => `deleted/${id}/`),
  ];
  const companions = await Promise.all(folders.map((folder) => companionsIn(objects, folder)));
  const linked = [...recipes, ...artifacts, ...images].flatMap((link) => ownAddress(link) ?? []);
  const addresses = [...linked, ...companions.flat()];
  return [...new Map(addresses.map((address) => [pathOf(address), address])).values()];
}

function exportedObject(info: ObjectInfo): ExportedObject {
  return {
    bucket: info.bucket,
    key: info.key,
    size_bytes: info.sizeBytes,
    md5: info.md5,
    sha256: info.sha256,
    content_type: info.contentType,
    metadata: { ...info.metadata },
  };
}
