/** Runs one OCI bundle with runc to its end, and leaves no container behind. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import { type CommandOptions, runCommand } from '../platform/exec.ts';
import { outOfMemoryKills } from './cgroup.ts';
import { type BundleOptions, ociBundle } from './oci-bundle.ts';
import type { SandboxResult } from './sandbox.ts';

export interface ContainerOptions {
  /** Unique on this host. */
  id: string;
  /** Folder for the bundle and for runc's own state. */
  folder: string;
  bundle: BundleOptions;
  command: Pick<CommandOptions, 'input' | 'signal' | 'timeoutMs' | 'secrets' | 'onLine'>;
}

/** runc itself failed, before there was a process of ours. */
const RUNC_FAILURE = /(?:runc run failed|runc create failed|container_linux\.go|unable to start container)/;

export async function runContainer(options: ContainerOptions): Promise<SandboxResult> {
  const { id, folder, command } = options;
  const bundle = join(folder, `bundle-${id}`);
  const state = join(folder, 'runc');
  await mkdir(bundle, { recursive: true });
  await writeFile(join(bundle, 'config.json'), JSON.stringify(ociBundle(options.bundle)));
  const runc = (...args: string[]) => runCommand(['runc', '--root', state, ...args]);

  // runc passes signals on to a first process that ignores them, so a stop goes to the container, not to runc.
  const { signal, timeoutMs, ...rest } = command;
  const stop = new AbortController();
  const kill = () => void runc('kill', '--all', id, 'KILL').finally(() => stop.abort());
  signal?.addEventListener('abort', kill, { once: true });
  let timedOut = false;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          kill();
        }, timeoutMs);
  try {
    signal?.throwIfAborted();
    const result = await runCommand(['runc', '--root', state, 'run', '--keep', '--bundle', bundle, id], {
      ...rest,
      signal: stop.signal,
    });
    const kills = await outOfMemoryKills(options.bundle.cgroup);
    if (result.exitCode !== 0 && RUNC_FAILURE.test(result.tail.at(-1) ?? '')) {
      throw new KilnError('sandbox-failed', result.tail.slice(-5).join('\n'));
    }
    return { ...result, outOfMemory: kills > 0, timedOut, aborted: signal?.aborted ?? false };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    await runc('delete', '--force', id);
  }
}
