/** Whether the old addresses of deleted objects are still free. */
import { KilnError } from '../../contract/errors.ts';
import type { Move } from '../../ports/moves.ts';
import { pathOf } from '../objects/index.ts';
import type { ObjectStore } from '../objects/store.ts';

/** Throws `link-taken` when something else lies where a deleted object would go back to. */
export async function refuseOccupied(objects: ObjectStore, moves: readonly Move[]): Promise<void> {
  const found = await Promise.all(moves.map(({ to }) => objects.head(to)));
  const taken = moves.filter((_, index) => found[index] !== undefined).map(({ to }) => pathOf(to));
  if (taken.length > 0) {
    throw new KilnError('link-taken', `another object lies at ${taken.join(', ')}; it would be overwritten`);
  }
}
