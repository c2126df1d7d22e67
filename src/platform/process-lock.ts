/** A lock between processes that the death of its holder releases: a name in the abstract socket space. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { waitFor } from './wait.ts';

/** Runs the work while holding the lock of this name; waits up to an hour for another holder to finish. */
export async function withLock<T>(
  name: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const key = `kiln-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  const server = await waitFor(() => tryHold(key), {
    timeoutMs: 3_600_000,
    intervalMs: 250,
    describe: () => `another process to finish with ${name}`,
    ...(signal ? { signal } : {}),
  });
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

function tryHold(key: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(`\0${key}`, () => resolve(server));
  });
}
