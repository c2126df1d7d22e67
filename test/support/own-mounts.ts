/**
 * A pool of vitest that gives each test file mounts of its own, as a runner has them. In those of the machine, every command
 * of a file beside it that makes a mount namespace takes a copy of what is mounted then, and keeps it in use.
 */
import { fileURLToPath } from 'node:url';
import { ForksPoolWorker, type PoolRunnerInitializer } from 'vitest/node';

const NODE = fileURLToPath(new URL('own-mounts.sh', import.meta.url));

class OwnMountsWorker extends ForksPoolWorker {
  override async start(): Promise<void> {
    const node = process.execPath;
    // What fork() starts; there is no option for it. It forks before it waits for anything.
    process.execPath = NODE;
    const started = super.start();
    process.execPath = node;
    await started;
  }
}

export const ownMounts: PoolRunnerInitializer = {
  name: 'own-mounts',
  createPoolWorker: (options) => new OwnMountsWorker(options),
};
