/** The files of repositories in the index. */
import type { Kysely, Selectable } from 'kysely';
import type { FileTable, Tables } from './schema.ts';

export type IndexedFile = Selectable<FileTable>;

/** What is needed to serve a file. */
export interface ServedFile {
  readonly id: number;
  readonly size: number;
  readonly checksum: string;
  /** Name of its blob; null while it has to be fetched first. */
  readonly sha256: string | null;
}

/** A file that a hosted repository will have. */
export interface NewFile {
  readonly repository: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

const PAGE = 500;

export function fileIndex(db: Kysely<Tables>) {
  const of = (repository: string) => db.selectFrom('files').where('repository', '=', repository);
  return {
    /** The file at a path in a revision. */
    async at(repository: string, revision: number, path: string): Promise<ServedFile | undefined> {
      return await of(repository)
        .select(['id', 'size', 'checksum', 'sha256'])
        .where('path', '=', path)
        .where('added', '<=', revision)
        .where((eb) => eb.or([eb('removed', 'is', null), eb('removed', '>', revision)]))
        .executeTakeFirst();
    },

    /** Files of the latest revision and pending ones, by path. */
    async page(
      repository: string,
      query: { after: string | undefined; limit: number },
    ): Promise<IndexedFile[]> {
      let select = of(repository).selectAll().where('removed', 'is', null);
      if (query.after !== undefined) {
        select = select.where('path', '>', query.after);
      }
      return await select.orderBy('path').orderBy('id').limit(query.limit).execute();
    },

    /** How many there are in the latest revision. */
    async count(repository: string): Promise<number> {
      const { count } = await of(repository)
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('added', 'is not', null)
        .where('removed', 'is', null)
        .executeTakeFirstOrThrow();
      return count;
    },

    /** Takes note of an uploaded file; one that waits at the same path gives way. */
    async addPending(file: NewFile): Promise<IndexedFile> {
      return await db.transaction().execute(async (inside) => {
        await inside
          .deleteFrom('files')
          .where('repository', '=', file.repository)
          .where('path', '=', file.path)
          .where('added', 'is', null)
          .execute();
        await inside
          .deleteFrom('problems')
          .where('repository', '=', file.repository)
          .where('path', '=', file.path)
          .execute();
        return await inside
          .insertInto('files')
          .values({ ...file, checksum: `sha256:${file.sha256}`, leaving: 0 })
          .returningAll()
          .executeTakeFirstOrThrow();
      });
    },

    /** Has the next revision leave the path out; false when no revision and nothing pending has it. */
    async leave(repository: string, path: string): Promise<boolean> {
      return await db.transaction().execute(async (inside) => {
        const pending = await inside
          .deleteFrom('files')
          .where('repository', '=', repository)
          .where('path', '=', path)
          .where('added', 'is', null)
          .executeTakeFirst();
        const published = await inside
          .updateTable('files')
          .set({ leaving: 1 })
          .where('repository', '=', repository)
          .where('path', '=', path)
          .where('added', 'is not', null)
          .where('removed', 'is', null)
          .where('leaving', '=', 0)
          .executeTakeFirst();
        return pending.numDeletedRows + published.numUpdatedRows > 0n;
      });
    },

    /** What the next revision changes: files that wait for it, and those that go. */
    async pending(repository: string): Promise<IndexedFile[]> {
      return await of(repository)
        .selectAll()
        .where((eb) => eb.or([eb('added', 'is', null), eb('leaving', '=', 1)]))
        .orderBy('id')
        .execute();
    },

    /** Names of the repositories for which something is pending. */
    async unpublished(): Promise<string[]> {
      const rows = await db
        .selectFrom('files')
        .select('repository')
        .distinct()
        .where((eb) => eb.or([eb('added', 'is', null), eb('leaving', '=', 1)]))
        .execute();
      return rows.map(({ repository }) => repository);
    },

    async describe(descriptions: ReadonlyMap<number, unknown>): Promise<void> {
      const rows = [...descriptions].map(([file, parts]) => ({ file, parts_json: JSON.stringify(parts) }));
      await db.transaction().execute(async (inside) => {
        for (let at = 0; at < rows.length; at += PAGE) {
          await inside
            .insertInto('descriptions')
            .values(rows.slice(at, at + PAGE))
            .onConflict((conflict) => conflict.column('file').doNothing())
            .execute();
        }
      });
    },

    /** Leaves pending files out for good, and says why. */
    async reject(repository: string, problems: readonly { id: number; path: string; message: string }[]) {
      await db.transaction().execute(async (inside) => {
        for (const { id, path, message } of problems) {
          await inside.deleteFrom('files').where('id', '=', id).execute();
          await inside
            .insertInto('problems')
            .values({ repository, path, message })
            .onConflict((conflict) => conflict.columns(['repository', 'path']).doUpdateSet({ message }))
            .execute();
        }
      });
    },

    async problems(repository: string) {
      return await db
        .selectFrom('problems')
        .select(['path', 'message'])
        .where('repository', '=', repository)
        .orderBy('path')
        .execute();
    },

    /** Of these files, those that no description is kept of. */
    async undescribed(files: readonly IndexedFile[]): Promise<IndexedFile[]> {
      const known = new Set<number>();
      for (let at = 0; at < files.length; at += PAGE) {
        const ids = files.slice(at, at + PAGE).map(({ id }) => id);
        const rows = await db.selectFrom('descriptions').select('file').where('file', 'in', ids).execute();
        for (const { file } of rows) {
          known.add(file);
        }
      }
      return files.filter(({ id }) => !known.has(id));
    },

    /** Takes note that a file of a proxy has been fetched. */
    async fetched(id: number, sha256: string): Promise<void> {
      await db.updateTable('files').set({ sha256 }).where('id', '=', id).execute();
    },
  };
}
