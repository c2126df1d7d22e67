/** Ctrl-C while a command works: the work hears of it through a signal, cleans up, and the exit code is 130. */

export const EXIT_INTERRUPTED = 130;

/** The person pressed Ctrl-C, or the process was told to end. Nothing needs to be said about it. */
export class Interrupted extends Error {}

/**
 * Runs `work` with a signal that aborts on the first SIGINT or SIGTERM; the second one ends the process at once.
 * Throws `Interrupted` when the work ended because of it, whatever the work itself threw.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(stop.signal);
  } catch (cause) {
    throw stop.signal.aborted ? new Interrupted('interrupted', { cause }) : cause;
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
  }
}
