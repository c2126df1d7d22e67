/**
 * Records on one SQLite file: the default of a single machine. Writes are serialized on its one connection;
 * `synchronous=FULL` makes a committed transaction survive a power cut.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, Migrator, SqliteDialect } from 'kysely';
import type { Records } from '../../../ports/records.ts';
import { changeStore } from './changes.ts';
import { cleanupStore } from './cleanup.ts';
import { deletedStore } from './deleted.ts';
import { idempotencyStore } from './idempotency.ts';
import { imageStore } from './images.ts';
import { jobStore } from './jobs.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { moveStore } from './moves.ts';
import { nodeStore } from './nodes.ts';
import { publicKeyStore } from './public-keys.ts';
import { recipeStore } from './recipes.ts';
import { repositoryStore } from './repositories.ts';
import type { Tables } from './schema.ts';
import { signingKeyStore } from './signing-keys.ts';

/** Opens the file, or makes it, and brings its tables up to date. Throws when a migration fails. */
export async function openSqliteRecords(options: { file: string }): Promise<Records> {
  await mkdir(dirname(options.file), { recursive: true, mode: 0o700 });
  const database = new Database(options.file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('busy_timeout = 10000');
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    await db.destroy();
    throw error;
  }
  return {
    ...storesOf(db),
    transaction: (work) =>
      db.transaction().execute((transaction) =>
        work({
          ...storesOf(transaction),
          transaction: () => Promise.reject(new Error('a transaction cannot hold another one')),
          close: () => Promise.reject(new Error('a transaction cannot close the records')),
        }),
      ),
    close: () => db.destroy(),
  };
}

function storesOf(db: Kysely<Tables>): Omit<Records, 'transaction' | 'close'> {
  return {
    recipes: recipeStore(db),
    images: imageStore(db),
    publicKeys: publicKeyStore(db),
    jobs: jobStore(db),
    cleanup: cleanupStore(db),
    deletedRecipes: deletedStore(db, 'deleted_recipes'),
    deletedImages: deletedStore(db, 'deleted_images'),
    deletedPublicKeys: deletedStore(db, 'deleted_public_keys'),
    nodes: nodeStore(db),
    repositories: repositoryStore(db),
    signingKeys: signingKeyStore(db),
    moves: moveStore(db),
    idempotency: idempotencyStore(db),
    changes: changeStore(db),
  };
}
