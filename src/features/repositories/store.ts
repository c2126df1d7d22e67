/** The ports of package repositories: their records, and what is in them. */
import type { Readable } from 'node:stream';
import type { Repository, RepositoryPackage, RepositoryStatus } from '../../contract/repositories.ts';

/** What is recorded of a repository; the rest of `Repository` is found where its content is. */
export type RepositoryRecord = Omit<Repository, 'status' | 'url'>;

/** What only the proxy itself may know. */
export interface UpstreamSecrets {
  readonly password: string | null;
  readonly ca_certificates: string | null;
}

/** Records of repositories, in the order in which they were made. */
export interface RepositoryStore {
  list(): Promise<RepositoryRecord[]>;
  find(name: string): Promise<RepositoryRecord | undefined>;
  /** Inserts the record, or replaces the one with its name; secrets stay unless given. */
  put(record: RepositoryRecord, secrets?: UpstreamSecrets): Promise<void>;
  secrets(name: string): Promise<UpstreamSecrets>;
  delete(name: string): Promise<boolean>;
}

export interface PackageQuery {
  readonly limit: number;
  /** Path after which the page begins. */
  readonly after: string | undefined;
}

/** The content of repositories, where Kiln serves it itself. */
export interface RepositoryContents {
  status(record: RepositoryRecord): Promise<RepositoryStatus>;
  packages(record: RepositoryRecord, query: PackageQuery): Promise<RepositoryPackage[]>;
  /**
   * Stores a package of a hosted repository; the next revision has it. Throws `package-invalid`,
   * `checksum-mismatch`, `repository-not-hosted`.
   */
  upload(
    record: RepositoryRecord,
    path: string,
    data: Readable,
    expected: { sha256?: string | undefined },
  ): Promise<RepositoryPackage>;
  /** Leaves the package out from the next revision on; false when it is not there. */
  remove(record: RepositoryRecord, path: string): Promise<boolean>;
  /** Makes a revision of what is pending, or asks the upstream anew, and waits for it. */
  publish(record: RepositoryRecord): Promise<RepositoryStatus>;
  /** Forgets everything of the repository. */
  drop(name: string): Promise<void>;
}
