/**
 * The index of what is served: one SQLite file beside the blobs, apart from the records, since it belongs to this
 * machine and can be large. A revision is immutable; a file is in all revisions from `added` on until `removed`.
 */
import { type Generated, type Kysely, type Migration, sql } from 'kysely';

/** A package, or with a proxy whatever its metadata vouches for. */
export interface FileTable {
  id: Generated<number>;
  repository: string;
  path: string;
  size: number;
  /** Algorithm and digest that the file has to have, for example `sha256:…`. */
  checksum: string;
  /** Name of the blob; null while a proxy has not fetched it. */
  sha256: string | null;
  /** First revision with it; null while it is pending. */
  added: number | null;
  /** First revision without it; null as long as it is in the latest one. */
  removed: number | null;
  /** Whether the next revision leaves it out. */
  leaving: number;
}

/** What the metadata of a hosted repository says of a file, made once when the file is first published. */
export interface DescriptionTable {
  file: number;
  parts_json: string;
}

export interface RevisionTable {
  repository: string;
  number: number;
  created: string;
  packages: number;
  /** Metadata files: path to name of blob and size. */
  metadata_json: string;
  /** Revisions of the members that a group was made of. */
  members_json: string;
}

/** The revision that a job has seen first, and sees until its end. */
export interface PinTable {
  job_id: string;
  repository: string;
  revision: number;
}

export interface ProblemTable {
  repository: string;
  path: string;
  message: string;
}

export interface UpstreamTable {
  repository: string;
  checked: string | null;
  problem: string | null;
  /** What makes the next question a conditional one, by path. */
  validators_json: string;
}

export interface Tables {
  files: FileTable;
  descriptions: DescriptionTable;
  revisions: RevisionTable;
  pins: PinTable;
  problems: ProblemTable;
  upstreams: UpstreamTable;
}

async function first(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    sha256 TEXT,
    added INTEGER,
    removed INTEGER,
    leaving INTEGER NOT NULL DEFAULT 0
  ) STRICT`.execute(db);
  await sql`CREATE INDEX files_by_path ON files (repository, path)`.execute(db);
  await sql`CREATE INDEX files_by_blob ON files (sha256)`.execute(db);
  await sql`CREATE INDEX files_pending ON files (repository) WHERE added IS NULL OR leaving = 1`.execute(db);
  await sql`CREATE TABLE descriptions (
    file INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    parts_json TEXT NOT NULL
  ) STRICT`.execute(db);
  await sql`CREATE TABLE revisions (
    repository TEXT NOT NULL,
    number INTEGER NOT NULL,
    created TEXT NOT NULL,
    packages INTEGER NOT NULL,
    metadata_json TEXT NOT NULL,
    members_json TEXT NOT NULL,
    PRIMARY KEY (repository, number)
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE pins (
    job_id TEXT NOT NULL,
    repository TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (job_id, repository)
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE problems (
    repository TEXT NOT NULL,
    path TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (repository, path)
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE upstreams (
    repository TEXT NOT NULL PRIMARY KEY,
    checked TEXT,
    problem TEXT,
    validators_json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`.execute(db);
}

export const MIGRATIONS: Record<string, Migration> = { '0001-index': { up: first } };
