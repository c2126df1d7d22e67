/** Wakes those of this process that follow the journal. A hint: other processes write into the journal too. */
export interface Announcer {
  announce(): void;
  /** Settles at the next announcement, after `timeoutMs`, or when the signal aborts. */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export function createAnnouncer(): Announcer {
  const waiting = new Set<() => void>();
  return {
    announce() {
      for (const wake of [...waiting]) {
        wake();
      }
    },
    next: (timeoutMs, signal) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        signal.addEventListener('abort', done);
        waiting.add(done);
        if (signal.aborted) {
          done();
        }
      }),
  };
}
