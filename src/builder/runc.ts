/**
 * Runs one OCI bundle with runc to its end. runc and all that it starts live in private namespaces: a stop kills
 * their first process, and the kernel ends the rest and drops the mounts. Only the cgroup is left, which runc
 * keeps until it has told whether memory ran out.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import { type CommandOptions, runCommand } from '../platform/exec.ts';
import { outOfMemoryKills, removeCgroup } from './cgroup.ts';
import { type BundleOptions, ociBundle } from './oci-bundle.ts';
import { inPrivateNamespaces } from './private-namespaces.ts';
import type { SandboxResult } from './sandbox.ts';
import { type StageOptions, stageScript } from './stage.ts';

export interface ContainerOptions {
  /** Name of the container, unique on this host. */
  readonly id: string;
  /** Private folder for the bundle, which holds secrets of the command; made here and removed. */
  readonly folder: string;
  readonly stage: StageOptions;
  readonly bundle: BundleOptions;
  readonly command: Pick<CommandOptions, 'input' | 'signal' | 'timeoutMs' | 'secrets' | 'onLine'>;
}

/** Throws `sandbox-failed` when the command could not be started. */
export async function runContainer(options: ContainerOptions): Promise<SandboxResult> {
  const { id, folder: bundle, command } = options;
  const { cgroup } = options.bundle;
  const pidFile = join(bundle, 'pid');
  await mkdir(bundle, { recursive: true, mode: 0o700 });
  try {
    await writeFile(join(bundle, 'config.json'), JSON.stringify(ociBundle(options.bundle)), { mode: 0o600 });
    const script = stageScript(options.stage, { id, bundle, pidFile });
    const result = await runCommand(inPrivateNamespaces(['sh', '-e', '-c', script]), command);
    // runc writes the file once the container is made, so without it nothing of the command has run.
    const started = await exists(pidFile);
    if (!started && !result.aborted && !result.timedOut) {
      throw new KilnError('sandbox-failed', result.tail.slice(-5).join('\n'));
    }
    return { ...result, outOfMemory: (await outOfMemoryKills(cgroup)) > 0 };
  } finally {
    // A cgroup can be removed only when its last process is gone, so past this nothing of the command is left.
    await removeCgroup(cgroup);
    await rm(bundle, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
