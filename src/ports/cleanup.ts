/**
 * The journal of objects that have to go. A deletion of a record and the intent to delete its objects are one
 * transaction; the objects follow after it, and after a crash the intent is found again at start-up. An upload
 * whose record is still to come is journaled the same way, with a time before which nobody touches it.
 */
import type { ObjectAddress } from '../features/objects/store.ts';

export interface CleanupEntry {
  readonly id: string;
  /** What is to be deleted in this bucket: everything below a prefix that ends in a slash, else this one key. */
  readonly bucket: ObjectAddress['bucket'];
  readonly keyPrefix: string;
  /** Why, for the log. */
  readonly reason: string;
  /** The job that still owns the objects; they are left alone until it has ended. Null: due at once. */
  readonly jobId: string | null;
}

export interface CleanupStore {
  insert(entry: CleanupEntry): Promise<void>;
  /** Entries without an owner, oldest first. */
  due(): Promise<CleanupEntry[]>;
  /** Takes the owner off the entries of a job that ended without its objects being registered. */
  releaseByJob(jobId: string): Promise<void>;
  /** The same for all owners whose name begins so. */
  releaseByOwnersLike(prefix: string): Promise<void>;
  /** Forgets the entries of a job whose objects now belong to a record. */
  forgetByJob(jobId: string): Promise<void>;
  delete(id: string): Promise<void>;
}
