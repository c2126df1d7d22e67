/**
 * Deletes the objects that the journal names. An entry goes once its objects are gone, so a crash or a failing
 * store only means that it is tried again.
 */
import type { Log } from '../../platform/log.ts';
import type { Records } from '../../ports/records.ts';
import type { ObjectStore } from './store.ts';

export interface Cleaner {
  /** Works off what is due. Runs one after another; never throws, since nobody waits for it. */
  run(): Promise<void>;
}

export function createCleaner(deps: { records: Records; objects: ObjectStore; log: Log }): Cleaner {
  let last: Promise<void> = Promise.resolve();
  return {
    run() {
      last = last.then(() => workOff(deps));
      return last;
    },
  };
}

async function workOff({
  records,
  objects,
  log,
}: {
  records: Records;
  objects: ObjectStore;
  log: Log;
}): Promise<void> {
  try {
    for (const entry of await records.cleanup.due()) {
      let count = 0;
      const whole = !entry.keyPrefix.endsWith('/');
      for await (const object of objects.list(entry.bucket, entry.keyPrefix)) {
        if (whole && object.key !== entry.keyPrefix) {
          continue;
        }
        await objects.delete(object);
        count += 1;
      }
      await records.cleanup.delete(entry.id);
      log.info(
        { bucket: entry.bucket, prefix: entry.keyPrefix, reason: entry.reason, objects: count },
        'objects deleted',
      );
    }
  } catch (error) {
    log.error({ err: error }, 'objects could not be deleted; it is tried again');
  }
}
