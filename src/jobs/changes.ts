/**
 * Tells this process what it changed about jobs, so that streams and the supervisor act at once. It is a hint
 * and never the truth: another replica may have made a change, so whoever waits also looks at the records now
 * and then.
 */
import { KilnError } from '../contract/errors.ts';

/** `state`: a snapshot was appended. `progress`: steps, log or heartbeat. `deleted`: the job is gone. */
export type ChangeKind = 'state' | 'progress' | 'deleted';

export interface JobChange {
  readonly jobId: string;
  readonly kind: ChangeKind;
}

export interface ChangeSubscription {
  /**
   * Settles at the next change; at once when there was one since the last call. Also settles after `timeoutMs`
   * and when the signal aborts: look at the records in any case.
   */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface JobChanges {
  notify(change: JobChange): void;
  /** Calls the listener for every change until the function that it gives is called. */
  listen(listener: (change: JobChange) => void): () => void;
  /** The changes of one job, to be waited for. */
  follow(jobId: string): ChangeSubscription;
}

export function createJobChanges(): JobChanges {
  const listeners = new Set<(change: JobChange) => void>();
  const listen = (listener: (change: JobChange) => void) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };

  return {
    notify(change) {
      for (const listener of [...listeners]) {
        listener(change);
      }
    },
    listen,
    follow(jobId) {
      let changed = false;
      let wake: (() => void) | undefined;
      const close = listen((change) => {
        if (change.jobId === jobId) {
          changed = true;
          wake?.();
        }
      });
      return {
        close,
        async next(timeoutMs, signal) {
          if (wake !== undefined) {
            throw new KilnError('internal-error', 'two waiters on one subscription to the changes of a job');
          }
          if (!changed && !signal.aborted) {
            await wakeUp(timeoutMs, signal, (waker) => {
              wake = waker;
            });
            wake = undefined;
          }
          changed = false;
        },
      };
    },
  };
}

function wakeUp(timeoutMs: number, signal: AbortSignal, expose: (waker: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const waker = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', waker);
      resolve();
    };
    const timer = setTimeout(waker, timeoutMs);
    signal.addEventListener('abort', waker, { once: true });
    expose(waker);
  });
}
