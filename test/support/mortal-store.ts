/** A store of objects whose process dies after some number of writes. */
import type { ObjectStore } from '../../src/features/objects/store.ts';

export class Crash extends Error {}

export interface Fuse {
  /** Writes until the crash. */
  left: number;
  readonly writing: Set<Promise<unknown>>;
}

export const newFuse = (): Fuse => ({ left: Number.POSITIVE_INFINITY, writing: new Set() });

/** No write begins any more. Settles when those that had begun are over: what is dead does not finish them later. */
export async function die(fuse: Fuse): Promise<void> {
  fuse.left = 0;
  await Promise.allSettled(fuse.writing);
}

/** The store until the fuse is spent; after that every write is rejected with `Crash`. */
export function mortal(store: ObjectStore, fuse: Fuse): ObjectStore {
  const writes = new Set(['put', 'copy', 'delete']);
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') {
        return value;
      }
      return (...args: unknown[]) => {
        if (writes.has(String(name)) && fuse.left-- <= 0) {
          return Promise.reject(new Crash(`${String(name)} after the crash`));
        }
        const work: unknown = value.apply(target, args);
        if (work instanceof Promise) {
          fuse.writing.add(work);
          const forget = () => fuse.writing.delete(work);
          work.then(forget, forget);
        }
        return work;
      };
    },
  });
}
