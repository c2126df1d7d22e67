/** Mounts as this process sees them. */
import { readFile } from 'node:fs/promises';
import { mustRun, runCommand } from '../../../platform/exec.ts';

export interface Mount {
  /** Where it is mounted. */
  readonly target: string;
  /** Type of its file system. */
  readonly type: string;
}

export async function mounts(): Promise<Mount[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.flatMap((line) => {
    const [before, after] = line.split(' - ');
    const target = before?.split(' ')[4];
    const type = after?.split(' ')[0];
    return target === undefined || type === undefined ? [] : [{ target: decodeOctal(target), type }];
  });
}

/** Unmounts everything at or below the folder, the last mounted first. */
export async function unmountBelow(folder: string): Promise<void> {
  const below = (await mounts())
    .map((mount) => mount.target)
    .filter((target) => target === folder || target.startsWith(`${folder}/`));
  for (const target of below.reverse()) {
    if ((await runCommand(['umount', target])).exitCode !== 0) {
      // Still used by a process that is about to end: it goes with that process.
      await mustRun(['umount', '--lazy', target]);
    }
  }
}

/** The kernel writes space, tab, newline and backslash in octal. */
function decodeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
