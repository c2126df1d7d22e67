/** Opens the store of what is served: the index, its tables up to date, and the blobs. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, Migrator, SqliteDialect } from 'kysely';
import { BlobFolder } from './blobs.ts';
import { fileIndex } from './files.ts';
import { pinIndex } from './pins.ts';
import { revisionIndex } from './revisions.ts';
import { MIGRATIONS, type Tables } from './schema.ts';
import { upstreamIndex } from './upstreams.ts';

export type { StoredBlob } from './blobs.ts';
export type { ServedFile } from './files.ts';
export type { MetadataFiles, Revision } from './revisions.ts';

export interface PackageStore {
  readonly blobs: BlobFolder;
  readonly files: ReturnType<typeof fileIndex>;
  readonly revisions: ReturnType<typeof revisionIndex>;
  readonly pins: ReturnType<typeof pinIndex>;
  readonly upstreams: ReturnType<typeof upstreamIndex>;
  close(): Promise<void>;
}

/** Throws when the index cannot be opened or brought up to date. */
export async function openPackageStore(folder: string): Promise<PackageStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const database = new Database(join(folder, 'index.sqlite'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    await db.destroy();
    throw error;
  }
  const blobs = new BlobFolder(folder);
  await blobs.open();
  return {
    blobs,
    files: fileIndex(db),
    revisions: revisionIndex(db),
    pins: pinIndex(db),
    upstreams: upstreamIndex(db),
    close: () => db.destroy(),
  };
}
