/** Keys by which clients recognise their own requests, so that one that is sent twice is carried out once. */
export interface IdempotencyEntry {
  readonly key: string;
  /** Digest of the request that came with the key first. */
  readonly request: string;
  /** The record that the request makes; its id is chosen before it is made. */
  readonly recordId: string;
  readonly created: string;
  /** Whether the record was made. */
  readonly done: boolean;
}

export interface IdempotencyStore {
  find(key: string): Promise<IdempotencyEntry | undefined>;
  /** Registers the key, or replaces what is known of it. */
  put(entry: IdempotencyEntry): Promise<void>;
  delete(key: string): Promise<void>;
  /** Forgets the keys that came before this time. */
  prune(before: string): Promise<void>;
}
