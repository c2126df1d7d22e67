/**
 * Revisions of repositories: immutable, numbered from 1, made in one transaction each. Old ones are kept as long as
 * somebody may still read them.
 */
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { StoredBlob } from './blobs.ts';
import type { RevisionTable, Tables } from './schema.ts';

/** Metadata of a revision, by path. */
export type MetadataFiles = Readonly<Record<string, StoredBlob>>;

export interface Revision {
  readonly repository: string;
  readonly number: number;
  readonly created: string;
  readonly packages: number;
  readonly metadata: MetadataFiles;
  /** For a group: the revisions of its members, in their order. */
  readonly members: readonly { readonly name: string; readonly revision: number }[];
}

/** A file that the metadata of an upstream vouches for. */
export interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly checksum: string;
}

/** A pending file was replaced while the revision with it was being made: it has to be made anew. */
export class RevisionOvertaken extends Error {}

type NewRevision = Omit<Revision, 'number'>;

/** How long a revision that nobody is known to use is kept, since nodes may be reading it. */
const GRACE_MS = 60 * 60 * 1000;
const PAGE = 200;

export function revisionIndex(db: Kysely<Tables>) {
  let stagings = 0;
  /** The latest revision by repository: asked for with every request, and only changed here. */
  const latestOf = new Map<string, Revision>();

  /** The files in a table of their own while the work goes on. */
  async function staged<T>(
    files: AsyncIterable<ListedFile> | Iterable<ListedFile>,
    work: (table: ReturnType<typeof sql.table>) => Promise<T>,
  ): Promise<T> {
    stagings += 1;
    const table = sql.table(`staging_${stagings}`);
    await sql`CREATE TEMP TABLE ${table} (path TEXT PRIMARY KEY, size INTEGER, checksum TEXT) WITHOUT ROWID`.execute(
      db,
    );
    try {
      for await (const page of inPages(files)) {
        const rows = page.map(({ path, size, checksum }) => sql`(${path}, ${size}, ${checksum})`);
        await sql`INSERT OR REPLACE INTO ${table} VALUES ${sql.join(rows)}`.execute(db);
      }
      return await work(table);
    } finally {
      await sql`DROP TABLE ${table}`.execute(db);
    }
  }

  return {
    async latest(repository: string): Promise<Revision | undefined> {
      const known = latestOf.get(repository);
      if (known !== undefined) {
        return known;
      }
      const row = await db
        .selectFrom('revisions')
        .selectAll()
        .where('repository', '=', repository)
        .orderBy('number', 'desc')
        .limit(1)
        .executeTakeFirst();
      if (row === undefined) {
        return undefined;
      }
      const latest = revisionOf(row);
      latestOf.set(repository, latest);
      return latest;
    },

    async find(repository: string, number: number): Promise<Revision | undefined> {
      const known = latestOf.get(repository);
      if (known?.number === number) {
        return known;
      }
      const row = await db
        .selectFrom('revisions')
        .selectAll()
        .where('repository', '=', repository)
        .where('number', '=', number)
        .executeTakeFirst();
      return row === undefined ? undefined : revisionOf(row);
    },

    /** The revision in which these pending files are published and those others are gone. */
    async publish(
      revision: Omit<NewRevision, 'members'>,
      change: { added: readonly number[]; left: readonly number[] },
    ): Promise<Revision> {
      const made = await db.transaction().execute(async (inside) => {
        const number = await nextNumber(inside, revision.repository);
        for (const ids of pages(change.left)) {
          await inside
            .updateTable('files')
            .set({ removed: number, leaving: 0 })
            .where('id', 'in', ids)
            .execute();
        }
        for (const ids of pages(change.added)) {
          const paths = inside.selectFrom('files').select('path').where('id', 'in', ids);
          await inside
            .updateTable('files')
            .set({ removed: number, leaving: 0 })
            .where('repository', '=', revision.repository)
            .where('added', 'is not', null)
            .where('removed', 'is', null)
            .where('path', 'in', paths)
            .execute();
        }
        let taken = 0n;
        for (const ids of pages(change.added)) {
          const { numUpdatedRows } = await inside
            .updateTable('files')
            .set({ added: number })
            .where('id', 'in', ids)
            .executeTakeFirst();
          taken += numUpdatedRows;
        }
        if (taken !== BigInt(change.added.length)) {
          throw new RevisionOvertaken();
        }
        return await insert(inside, { ...revision, number, members: [] });
      });
      latestOf.set(made.repository, made);
      return made;
    },

    /**
     * The revision that has the files which an upstream lists. What it has listed before and does not list any
     * more is gone with it, unless `keep` says that other lists may have it.
     */
    async replace(
      about: () => Omit<NewRevision, 'members'>,
      files: AsyncIterable<ListedFile> | Iterable<ListedFile>,
      { keep }: { keep: boolean },
    ): Promise<Revision> {
      const made = await staged(files, async (table) => {
        const revision = about();
        const { repository } = revision;
        return await db.transaction().execute(async (inside) => {
          const number = await nextNumber(inside, repository);
          const other = sql`EXISTS (SELECT 1 FROM ${table} s WHERE s.path = files.path AND s.checksum <> files.checksum)`;
          const gone = keep
            ? sql`FALSE`
            : sql`NOT EXISTS (SELECT 1 FROM ${table} s WHERE s.path = files.path)`;
          await sql`UPDATE files SET removed = ${number}
            WHERE repository = ${repository} AND removed IS NULL AND (${other} OR ${gone})`.execute(inside);
          await takeStaged(inside, repository, table, number);
          return await insert(inside, { ...revision, number, members: [] });
        });
      });
      latestOf.set(made.repository, made);
      return made;
    },

    /** Takes note of files that belong to a revision which is there already. */
    async learn(repository: string, number: number, files: AsyncIterable<ListedFile>): Promise<void> {
      await staged(files, (table) =>
        db.transaction().execute(async (inside) => {
          await sql`UPDATE files SET removed = ${number + 1} WHERE repository = ${repository} AND removed IS NULL
            AND EXISTS (SELECT 1 FROM ${table} s WHERE s.path = files.path AND s.checksum <> files.checksum)`.execute(
            inside,
          );
          await takeStaged(inside, repository, table, number);
        }),
      );
    },

    /** The revision of a group: nothing but metadata over revisions of its members. */
    async merge(revision: NewRevision): Promise<Revision> {
      const made = await db
        .transaction()
        .execute(async (inside) =>
          insert(inside, { ...revision, number: await nextNumber(inside, revision.repository) }),
        );
      latestOf.set(made.repository, made);
      return made;
    },

    /** Forgets the revisions that nobody can be reading any more, and the files that only they had. */
    async prune(now: Date): Promise<void> {
      const before = new Date(now.getTime() - GRACE_MS).toISOString();
      await db.transaction().execute(async (inside) => {
        await sql`DELETE FROM revisions WHERE created < ${before}
          AND number < (SELECT max(number) FROM revisions r WHERE r.repository = revisions.repository)
          AND NOT EXISTS (SELECT 1 FROM pins p
            WHERE p.repository = revisions.repository AND p.revision = revisions.number)
          AND NOT EXISTS (SELECT 1 FROM revisions g, json_each(g.members_json) m
            WHERE m.value ->> 'name' = revisions.repository AND m.value ->> 'revision' = revisions.number)`.execute(
          inside,
        );
        await sql`DELETE FROM files WHERE removed <= (SELECT min(number) FROM revisions r
          WHERE r.repository = files.repository)`.execute(inside);
      });
    },

    /** Names of all blobs that something refers to. */
    async usedBlobs(): Promise<Set<string>> {
      const files = await db.selectFrom('files').select('sha256').where('sha256', 'is not', null).execute();
      const revisions = await db.selectFrom('revisions').select('metadata_json').execute();
      const metadata = revisions.flatMap(({ metadata_json }) =>
        Object.values(JSON.parse(metadata_json) as MetadataFiles).map(({ sha256 }) => sha256),
      );
      return new Set([...files.map(({ sha256 }) => sha256 ?? ''), ...metadata]);
    },

    /** Names of all repositories that something is kept of. */
    async repositories(): Promise<string[]> {
      const { rows } = await sql<{ repository: string }>`SELECT repository FROM files
        UNION SELECT repository FROM revisions UNION SELECT repository FROM upstreams`.execute(db);
      return rows.map(({ repository }) => repository);
    },

    async drop(repository: string): Promise<void> {
      latestOf.delete(repository);
      await db.transaction().execute(async (inside) => {
        for (const table of ['files', 'revisions', 'pins', 'problems', 'upstreams'] as const) {
          await inside.deleteFrom(table).where('repository', '=', repository).execute();
        }
      });
    },

    /** Metadata at a path in any revision that is kept. */
    async metadataAt(repository: string, path: string): Promise<StoredBlob | undefined> {
      const rows = await db
        .selectFrom('revisions')
        .select('metadata_json')
        .where('repository', '=', repository)
        .orderBy('number', 'desc')
        .execute();
      return rows
        .map(({ metadata_json }) => (JSON.parse(metadata_json) as MetadataFiles)[path])
        .find((found) => found !== undefined);
    },

    /** How many files the next revision has when it takes these pending ones in. */
    async countWith(repository: string, added: readonly number[]): Promise<number> {
      const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM files f
        WHERE ${inNext(repository, added)}`.execute(db);
      return rows[0]?.count ?? 0;
    },

    /**
     * What the metadata of the next revision is made of: the described files that it has, by path. `added` are
     * those of the pending ones that it takes in.
     */
    async *descriptions<Parts>(
      repository: string,
      added: readonly number[],
    ): AsyncGenerator<{ path: string; size: number; checksum: string; parts: Parts }> {
      for (let after = ''; ; ) {
        const { rows } = await sql<{ path: string; size: number; checksum: string; parts_json: string }>`
          SELECT f.path, f.size, f.checksum, d.parts_json FROM files f JOIN descriptions d ON d.file = f.id
          WHERE ${inNext(repository, added)} AND f.path > ${after}
          ORDER BY f.path LIMIT ${PAGE}`.execute(db);
        for (const { parts_json, ...row } of rows) {
          yield { ...row, parts: JSON.parse(parts_json) };
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) {
          return;
        }
        after = last.path;
      }
    },
  };
}

/** Adds the staged files that the repository has not got. */
async function takeStaged(
  db: Transaction<Tables>,
  repository: string,
  table: ReturnType<typeof sql.table>,
  number: number,
): Promise<void> {
  await sql`INSERT INTO files (repository, path, size, checksum, sha256, added, leaving)
    SELECT ${repository}, s.path, s.size, s.checksum, NULL, ${number}, 0 FROM ${table} s
    WHERE NOT EXISTS (SELECT 1 FROM files f
      WHERE f.repository = ${repository} AND f.path = s.path AND f.removed IS NULL)`.execute(db);
}

/** Whether a file `f` is in the next revision: taken in now, or there already and neither leaving nor replaced. */
function inNext(repository: string, added: readonly number[]) {
  const chosen = sql`SELECT value FROM json_each(${JSON.stringify(added)})`;
  return sql`f.repository = ${repository} AND f.removed IS NULL AND (
    f.id IN (${chosen})
    OR (f.added IS NOT NULL AND f.leaving = 0 AND NOT EXISTS (SELECT 1 FROM files n
      WHERE n.repository = f.repository AND n.path = f.path AND n.id IN (${chosen}))))`;
}

function revisionOf(row: Selectable<RevisionTable>): Revision {
  const { metadata_json, members_json, ...rest } = row;
  return { ...rest, metadata: JSON.parse(metadata_json), members: JSON.parse(members_json) };
}

async function nextNumber(db: Transaction<Tables>, repository: string): Promise<number> {
  const { last } = await db
    .selectFrom('revisions')
    .select((eb) => eb.fn.max('number').as('last'))
    .where('repository', '=', repository)
    .executeTakeFirstOrThrow();
  return (last ?? 0) + 1;
}

async function insert(db: Transaction<Tables>, revision: Revision): Promise<Revision> {
  const { metadata, members, ...row } = revision;
  await db
    .insertInto('revisions')
    .values({ ...row, metadata_json: JSON.stringify(metadata), members_json: JSON.stringify(members) })
    .execute();
  return revision;
}

function* pages<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += PAGE) {
    yield items.slice(at, at + PAGE);
  }
}

async function* inPages<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length === PAGE) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) {
    yield page;
  }
}
