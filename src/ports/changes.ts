/** The journal of changes, written in the transactions that make them. */
import type { ChangeEvent } from '../contract/events.ts';

export interface ChangeStore {
  /** Appends in this order and numbers them. Keeps the latest ten thousand or more. */
  append(changes: readonly Omit<ChangeEvent, 'sequence'>[]): Promise<void>;
  /** Those after a sequence number, oldest first, at most `limit` of them. */
  after(sequence: number, limit: number): Promise<ChangeEvent[]>;
  /** Numbers of the oldest and the latest that are kept; 0 and 0 when there never was one. */
  range(): Promise<{ readonly oldest: number; readonly latest: number }>;
}
