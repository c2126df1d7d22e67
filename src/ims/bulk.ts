/** Requests that act on every record of a collection. */
import { KilnError } from '../contract/errors.ts';

/**
 * Acts on each record by itself: one that fails does not keep the others from being done. Throws the first failure
 * when all were tried; a record that somebody else took meanwhile is no failure.
 */
export async function forEachRecord<T>(
  records: readonly T[],
  act: (record: T) => Promise<unknown>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const record of records) {
    try {
      await act(record);
    } catch (error) {
      if (!(error instanceof KilnError && error.entry.status === 404)) {
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) {
    throw failures[0];
  }
}
