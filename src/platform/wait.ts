/** Waiting for a condition, bounded. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks `probe` until it gives a value other than undefined. Throws an error that `describe` writes when
 * `timeoutMs` is over, or the signal's reason when it aborts.
 */
export async function waitFor<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: { timeoutMs: number; intervalMs?: number; signal?: AbortSignal; describe: () => string },
): Promise<T> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) {
      return value;
    }
    if (performance.now() >= end) {
      throw new Error(`waited ${Math.round(options.timeoutMs / 1000)} s in vain: ${options.describe()}`);
    }
    await sleep(options.intervalMs ?? 50, undefined, options.signal ? { signal: options.signal } : {});
  }
}
