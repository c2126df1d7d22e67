/** Export and import of everything, while the service runs. Ids, dates and deleted records are kept. */
import type { Readable } from 'node:stream';
import { Errors } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import { ExportDocument, type ImportMode, type ImportReport } from '../../contract/exchange.ts';
import type { Ids } from '../../platform/ids.ts';
import { keyedLock } from '../../platform/keyed-lock.ts';
import type { Operations } from '../deleted/index.ts';
import { type Cleaner, ownAddress } from '../objects/index.ts';
import { type Applied, applyRecords, DryRun } from './apply.ts';
import { EXPORT_FILE, readArchive, writeArchive } from './archive.ts';
import { collect, type ExchangeStores } from './collect.ts';
import { storeObjects } from './objects.ts';
import { collectionsOf } from './records.ts';
import { crossings, leftovers, type Removal, type Removers } from './removal.ts';

/** Makes a document of what another service wrote; undefined when the files are not of its kind. */
export type Converter = (files: ReadonlyMap<string, string>) => Converted | undefined;

export interface Converted {
  readonly document: ExportDocument;
  /** What could not be taken over, and why. */
  readonly problems: readonly string[];
}

export interface ExchangeDeps extends ExchangeStores {
  readonly ids: Ids;
  readonly cleaner: Cleaner;
  readonly operations: Pick<Operations, 'resume'>;
  readonly removers: Removers;
  readonly converters: readonly Converter[];
}

export type Exchange = ReturnType<typeof createExchange>;

/** Owners of this kind in the journal of removals are imports. */
const OWNER = 'import ';
const MAX_PROBLEMS = 20;

export function createExchange(deps: ExchangeDeps) {
  const { records, objects, ids, cleaner } = deps;
  const lock = keyedLock();

  return {
    /** A tar. Throws what reading the objects throws, before the first byte or by breaking off. */
    export: async (): Promise<Readable> => {
      // What is being moved has two places until it is done.
      await deps.operations.resume();
      return writeArchive(await collect(deps), objects);
    },

    /** One at a time. Throws `import-unreadable`; nothing of the archive is there then. */
    import: (data: Readable, mode: ImportMode, dryRun: boolean): Promise<ImportReport> =>
      lock('import', async () => {
        const owner = OWNER + ids.id();
        try {
          return await run(data, { owner, mode, dryRun });
        } catch (error) {
          await records.cleanup.releaseByJob(owner);
          await cleaner.run();
          throw error;
        }
      }),

    /** What an earlier process left of an import that it did not finish is removed. */
    resume: (): Promise<void> => records.cleanup.releaseByOwnersLike(OWNER),
  };

  async function run(
    data: Readable,
    { owner, mode, dryRun }: { owner: string; mode: ImportMode; dryRun: boolean },
  ): Promise<ImportReport> {
    const archive = await readArchive(data);
    const { document, problems } = documentOf(archive.documents, deps.converters);
    const overwrites = mode === 'overwrite' || mode === 'soft_overwrite';
    const unremoved: string[] = [];
    const remove = async (removals: readonly Removal[]): Promise<number> => {
      for (const { title, id, run } of dryRun ? [] : removals) {
        try {
          await run();
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          unremoved.push(`${title} ${id} could not be removed: ${reason}`);
        }
      }
      return removals.length - unremoved.length;
    };
    if (overwrites) {
      await remove(await crossings(records, document, deps.removers));
    }
    const stored = await storeObjects(archive, document, { records, objects, ids, owner, mode, dryRun });
    const applied = await store(document, mode, owner, dryRun);
    const removed = overwrites ? await remove(await leftovers(records, document, mode, deps.removers)) : 0;
    await cleaner.run();
    const missing = dryRun ? [] : await missingObjects(document);
    return {
      dry_run: dryRun,
      mode,
      added: applied.added,
      updated: applied.updated,
      unchanged: applied.unchanged,
      kept: applied.kept,
      removed,
      objects_written: stored.written,
      bytes_written: stored.writtenBytes,
      objects_kept: stored.kept,
      problems: [...problems, ...stored.problems, ...applied.problems, ...unremoved, ...missing],
    };
  }

  async function store(
    document: ExportDocument,
    mode: ImportMode,
    owner: string,
    dryRun: boolean,
  ): Promise<Applied> {
    let applied: Applied | undefined;
    try {
      await records.transaction(async (inside) => {
        applied = await applyRecords(inside, document, { mode, dryRun });
        await inside.cleanup.forgetByJob(owner);
        if (dryRun) {
          throw new DryRun();
        }
      });
    } catch (error) {
      if (!(error instanceof DryRun)) {
        throw error;
      }
    }
    if (applied === undefined) {
      throw new Error('an import has no result');
    }
    return applied;
  }

  /** Records are taken over even so: their objects may be on their way by another road. */
  async function missingObjects(document: ExportDocument): Promise<string[]> {
    const missing: string[] = [];
    for (const { title, records: list } of collectionsOf(document)) {
      for (const { id, name, link } of list) {
        const address = link ? ownAddress(link) : undefined;
        if (link && (address === undefined || (await objects.head(address)) === undefined)) {
          missing.push(`${title} ${id} (${name}) links to ${link.path}, which is not in the store`);
        }
      }
    }
    return missing;
  }
}

function documentOf(files: ReadonlyMap<string, string>, converters: readonly Converter[]): Converted {
  for (const convert of [ownDocument, ...converters]) {
    const converted = convert(files);
    if (converted !== undefined) {
      return converted;
    }
  }
  const names = [...files.keys()].join(', ');
  throw new KilnError(
    'import-unreadable',
    names === '' ? 'the archive does not begin with a document' : `the archive begins with ${names}`,
  );
}

const ownDocument: Converter = (files) => {
  const text = files.get(EXPORT_FILE);
  if (text === undefined) {
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new KilnError('import-unreadable', `${EXPORT_FILE} is not JSON`, { cause });
  }
  const errors = [...Errors(ExportDocument, value)];
  if (errors.length > 0) {
    throw new KilnError('import-unreadable', `${EXPORT_FILE} is not as \`kiln export\` writes it`, {
      items: errors
        .slice(0, MAX_PROBLEMS)
        .map((error) => ({ message: error.message, pointer: error.instancePath })),
    });
  }
  return { document: value as ExportDocument, problems: [] };
};
