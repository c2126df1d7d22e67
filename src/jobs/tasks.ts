/** Work in the background, at most one piece per key at a time. */
import type { Log } from '../platform/log.ts';

export interface Tasks {
  /** Starts the work unless work with this key is going on. What it throws is logged. */
  run(key: string, work: () => Promise<void>): void;
  has(key: string): boolean;
  /** Settles when nothing goes on. */
  idle(): Promise<void>;
}

export function createTasks(log: Log): Tasks {
  const going = new Map<string, Promise<void>>();

  return {
    run(key, work) {
      if (going.has(key)) {
        return;
      }
      const task = Promise.resolve()
        .then(work)
        .catch((error: unknown) => log.error({ err: error, job: key }, 'work on a job failed; tried again'))
        .finally(() => going.delete(key));
      going.set(key, task);
    },
    has: (key) => going.has(key),
    async idle() {
      while (going.size > 0) {
        await Promise.all(going.values());
      }
    },
  };
}
