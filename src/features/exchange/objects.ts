/** Brings the objects of an archive into the store. What is new there is journaled until records have it. */
import type { ExportDocument, ExportedObject, ImportMode } from '../../contract/exchange.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Records } from '../../ports/records.ts';
import { pathOf } from '../objects/index.ts';
import type { ObjectInfo, ObjectStore } from '../objects/store.ts';
import type { Archive, ArchivedObject } from './archive.ts';

export interface Stored {
  written: number;
  writtenBytes: number;
  kept: number;
  readonly problems: string[];
}

export interface ObjectImport {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly ids: Ids;
  /** Owner of what is written, in the journal of removals. */
  readonly owner: string;
  readonly mode: ImportMode;
  readonly dryRun: boolean;
}

export async function storeObjects(
  archive: Archive,
  document: ExportDocument,
  options: ObjectImport,
): Promise<Stored> {
  const stored: Stored = { written: 0, writtenBytes: 0, kept: 0, problems: [] };
  const described = new Map(document.objects.map((each) => [`s3://${each.bucket}/${each.key}`, each]));
  for await (const object of archive.objects) {
    const path = pathOf(object.address);
    const there = await options.objects.head(object.address);
    const about = described.get(path);
    const stays = there !== undefined && (isSame(there, about) || options.mode === 'add');
    if (stays || options.dryRun) {
      object.data.resume();
    } else {
      await store(object, about, there === undefined, options);
    }
    if (stays) {
      stored.kept += 1;
      if (there.sizeBytes !== object.sizeBytes || differs(there, about)) {
        stored.problems.push(`${path} is another object here, and stayed`);
      }
    } else {
      stored.written += 1;
      stored.writtenBytes += object.sizeBytes;
    }
  }
  return stored;
}

async function store(
  { address, data }: ArchivedObject,
  about: ExportedObject | undefined,
  isNew: boolean,
  { records, objects, ids, owner }: ObjectImport,
): Promise<void> {
  if (isNew) {
    const { bucket, key } = address;
    await records.cleanup.insert({
      id: ids.id(),
      bucket,
      keyPrefix: key,
      reason: 'an import was not finished',
      jobId: owner,
    });
  }
  await objects.put(address, data, {
    contentType: about?.content_type ?? typeOf(address.key),
    ...(about && { metadata: about.metadata }),
    expected: {
      ...(about?.md5 && { md5: about.md5 }),
      ...(about?.sha256 && { sha256: about.sha256 }),
    },
  });
}

function isSame(there: ObjectInfo, about: ExportedObject | undefined): boolean {
  return about?.sha256 != null && about.sha256 === there.sha256;
}

function differs(there: ObjectInfo, about: ExportedObject | undefined): boolean {
  return about?.sha256 != null && there.sha256 !== null && about.sha256 !== there.sha256;
}

function typeOf(key: string): string {
  return key.endsWith('.json') ? 'application/json' : 'application/octet-stream';
}
