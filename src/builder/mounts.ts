/** Mounting and unmounting on the host side, each undone by whoever made it. */
import { mustRun, runCommand } from '../platform/exec.ts';

export async function mountLoop(file: string, target: string, options: string): Promise<void> {
  // mount sets the loop device to clear itself, so it goes with the last mount of it, however that ends.
  await mustRun(['mount', '-o', `loop,${options}`, file, target]);
}

/** Unmounts if something is mounted there; lazily when it is still in use. */
export async function unmount(target: string): Promise<void> {
  const result = await runCommand(['umount', target]);
  if (result.exitCode !== 0) {
    await runCommand(['umount', '--lazy', target]);
  }
}
