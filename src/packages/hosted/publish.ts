/**
 * Makes revisions of hosted repositories. What was uploaded is described once; the metadata of a revision is then put
 * together from descriptions, so that its cost is that of writing it, not of reading every package again.
 */
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryRecord } from '../../features/repositories/store.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import { CommandError } from '../../platform/exec.ts';
import type { Signer } from '../signer.ts';
import type { IndexedFile } from '../store/files.ts';
import type { MetadataFiles, PackageStore, Revision } from '../store/index.ts';
import { RevisionOvertaken } from '../store/revisions.ts';
import { writeAptIndex } from './apt-index.ts';
import type { Describer } from './describe.ts';
import type { AptParts, RpmParts } from './description.ts';
import { type IndexWriter, writeRpmIndex } from './rpm-index.ts';

export interface PublishDeps {
  readonly store: PackageStore;
  readonly describer: Describer;
  readonly signer: Signer;
  readonly clock: Clock;
}

const BATCH = 500;
const ATTEMPTS = 5;

/** The latest revision, with everything that was pending. Throws `builder-root-failed` or `sandbox-failed`. */
export async function publishHosted(deps: PublishDeps, record: RepositoryRecord): Promise<Revision> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await publishOnce(deps, record);
    } catch (error) {
      if (!(error instanceof RevisionOvertaken) || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}

async function publishOnce(deps: PublishDeps, record: RepositoryRecord): Promise<Revision> {
  const { store, clock } = deps;
  const { name } = record;
  const pending = await store.files.pending(name);
  const latest = await store.revisions.latest(name);
  if (pending.length === 0 && latest !== undefined) {
    return latest;
  }
  const added = await takeIn(
    deps,
    record,
    pending.filter((file) => file.added === null),
  );
  const left = pending.filter((file) => file.added !== null).map(({ id }) => id);
  const packages = await store.revisions.countWith(name, added);
  const number = (latest?.number ?? 0) + 1;
  const metadata = await writeMetadata(deps, record, { added, packages, number });
  return await store.revisions.publish(
    { repository: name, created: timestamp(clock.now()), packages, metadata },
    { added, left },
  );
}

/** Has new files described, turns those away that are no packages, and gives the numbers of the others. */
async function takeIn(
  { store, describer }: PublishDeps,
  { name, format }: RepositoryRecord,
  files: readonly IndexedFile[],
): Promise<number[]> {
  const rejected = new Set<number>();
  const unknown = await store.files.undescribed(files);
  for (let at = 0; at < unknown.length; at += BATCH) {
    const batch = unknown.slice(at, at + BATCH);
    const paths = new Map(batch.map(({ id, sha256 }) => [id, store.blobs.path(sha256 ?? '')]));
    const { parts, complaints } = await describer.describe(format, paths).catch((cause: unknown) => {
      const detail = cause instanceof CommandError ? cause.result.tail.slice(-5).join('\n') : String(cause);
      throw cause instanceof KilnError ? cause : new KilnError('sandbox-failed', detail, { cause });
    });
    const described = new Map(parts);
    const bad = batch.filter(({ id }) => !described.has(id));
    const problems = bad.map(({ id, path }) => ({
      id,
      path,
      message: complaints[id] ?? 'it cannot be read',
    }));
    await store.files.describe(described);
    await store.files.reject(name, problems);
    for (const { id } of bad) {
      rejected.add(id);
    }
  }
  return files.map(({ id }) => id).filter((id) => !rejected.has(id));
}

async function writeMetadata(
  { store, signer, clock }: PublishDeps,
  record: RepositoryRecord,
  { added, packages, number }: { added: readonly number[]; packages: number; number: number },
): Promise<MetadataFiles> {
  if (record.format === 'rpm') {
    const entries = store.revisions.descriptions<RpmParts>(record.name, added);
    const fill = async ({ add }: IndexWriter) => {
      for await (const entry of entries) {
        await add(entry);
      }
    };
    return await writeRpmIndex(store.blobs, signer, fill, { packages, revision: number });
  }
  const entries = store.revisions.descriptions<AptParts>(record.name, added);
  const distribution = record.distribution ?? 'stable';
  return await writeAptIndex(store.blobs, signer, entries, { distribution, date: clock.now() });
}
