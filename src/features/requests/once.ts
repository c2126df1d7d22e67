/**
 * Creates a record once for a key that the client chose, however often the request comes: after a time-out, a lost
 * answer, or a crash of the service. The id of the record is written down before the record is made, so a request
 * that comes again finds it, or makes it with that id.
 */
import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { KilnError } from '../../contract/errors.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import { keyedLock } from '../../platform/keyed-lock.ts';
import type { Records } from '../../ports/records.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;

/** Header of requests that create something. */
export const IDEMPOTENCY_HEADERS = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Chosen by the client: the same request with the same key is carried out once within 24 hours',
    }),
  ),
});

export type Once = ReturnType<typeof createOnce>;

export interface OnceWork<T> {
  /** As in the address, for example `images`. */
  readonly noun: string;
  readonly body: unknown;
  find(id: string): Promise<T>;
  create(id: string): Promise<T>;
}

export function createOnce({ records, clock, ids }: { records: Records; clock: Clock; ids: Ids }) {
  const lock = keyedLock();

  /** Throws `idempotency-key-reused`, `idempotency-key-spent`, and what `create` throws. */
  return async function once<T>(key: string | undefined, work: OnceWork<T>): Promise<T> {
    if (key === undefined) {
      return await work.create(ids.id());
    }
    const request = createHash('sha256')
      .update(JSON.stringify([work.noun, work.body]))
      .digest('hex');
    return await lock(key, async () => {
      const now = clock.now();
      await records.idempotency.prune(timestamp(new Date(now.getTime() - KEPT_MS)));
      const known = await records.idempotency.find(key);
      if (known !== undefined && known.request !== request) {
        throw new KilnError('idempotency-key-reused', `the key "${key}" came with another request before`);
      }
      const made = known && (await unlessMissing(work.find(known.recordId)));
      if (made !== undefined) {
        return made;
      }
      if (known?.done) {
        throw new KilnError(
          'idempotency-key-spent',
          `what was created with the key "${key}" was deleted since`,
        );
      }
      const entry = known ?? { key, request, recordId: ids.id(), created: timestamp(now), done: false };
      await records.idempotency.put(entry);
      try {
        const record = await work.create(entry.recordId);
        await records.idempotency.put({ ...entry, done: true });
        return record;
      } catch (error) {
        if (error instanceof KilnError) {
          await records.idempotency.delete(key);
        }
        throw error;
      }
    });
  };
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof KilnError && error.entry.status === 404) {
      return undefined;
    }
    throw error;
  }
}
