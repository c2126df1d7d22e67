/**
 * The journal of objects that are on their way from one address to another because their record was deleted or
 * taken back. It is written in the transaction that decides, and goes in the one that completes, so a crash between
 * the two only means that the rest is done at the next start. A record has at most one operation.
 */
import type { ObjectAddress } from '../features/objects/store.ts';

export interface Move {
  readonly from: ObjectAddress;
  readonly to: ObjectAddress;
}

export interface MoveOperation {
  readonly recordId: string;
  readonly noun: 'image' | 'recipe';
  readonly kind: 'delete' | 'undelete';
  readonly moves: readonly Move[];
}

export interface MoveStore {
  /** Throws when the record has an operation already. */
  insert(operation: MoveOperation): Promise<void>;
  find(recordId: string): Promise<MoveOperation | undefined>;
  /** Oldest first. */
  list(): Promise<MoveOperation[]>;
  delete(recordId: string): Promise<boolean>;
}
