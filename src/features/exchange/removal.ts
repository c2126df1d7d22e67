/** What the modes that overwrite take away: all records that the archive does not have. */
import type { ExportDocument, ImportMode } from '../../contract/exchange.ts';
import type { Records } from '../../ports/records.ts';
import { collectionsOf } from './records.ts';

/** How one record of a noun is deleted; the services behind the API, seen narrowly. */
export interface Remover {
  /** Deletes an active record so that it can be had back. */
  bury(id: string): Promise<unknown>;
  /** Deletes an active record and its objects for good. */
  hardDelete(id: string, options: { cascade: boolean }): Promise<unknown>;
  /** Deletes a deleted record and its objects for good. */
  purge(id: string): Promise<unknown>;
}

export interface Removers {
  readonly public_keys: Remover;
  readonly recipes: Remover;
  readonly images: Remover;
}

export interface Removal {
  readonly title: string;
  readonly id: string;
  run(): Promise<unknown>;
}

/** What has to go before the import: records that the archive has in the other state. */
export async function crossings(
  records: Records,
  document: ExportDocument,
  removers: Removers,
): Promise<Removal[]> {
  const found: Removal[] = [];
  for (const { noun, deleted, title, records: wanted, opposite } of collectionsOf(document)) {
    const remover = removers[noun];
    for (const { id } of wanted) {
      if ((await opposite(records).find(id)) !== undefined) {
        const run = () => (deleted ? remover.hardDelete(id, { cascade: true }) : remover.purge(id));
        found.push({ title, id, run });
      }
    }
  }
  return found;
}

/** What has to go after it. With `soft_overwrite` active records can be had back, and deleted ones stay. */
export async function leftovers(
  records: Records,
  document: ExportDocument,
  mode: ImportMode,
  removers: Removers,
): Promise<Removal[]> {
  const found: Removal[] = [];
  const soft = mode === 'soft_overwrite';
  for (const { noun, deleted, title, records: wanted, store } of collectionsOf(document)) {
    if (deleted && soft) {
      continue;
    }
    const remover = removers[noun];
    const ids = new Set(wanted.map(({ id }) => id));
    for (const { id } of await store(records).list()) {
      if (!ids.has(id)) {
        const removeActive = () => (soft ? remover.bury(id) : remover.hardDelete(id, { cascade: true }));
        found.push({ title, id, run: () => (deleted ? remover.purge(id) : removeActive()) });
      }
    }
  }
  return found;
}
