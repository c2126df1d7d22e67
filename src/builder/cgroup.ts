/** What the cgroup of a sandbox tells after its command, on hosts with cgroup v1, v2 and both. */
import { readFile } from 'node:fs/promises';

const EVENT_FILES = [
  (cgroup: string) => `/sys/fs/cgroup/memory${cgroup}/memory.oom_control`,
  (cgroup: string) => `/sys/fs/cgroup${cgroup}/memory.events`,
];

/** How many processes of the cgroup the kernel killed for want of memory. */
export async function outOfMemoryKills(cgroup: string): Promise<number> {
  for (const fileOf of EVENT_FILES) {
    const text = await readFile(fileOf(cgroup), 'utf8').catch(() => undefined);
    if (text !== undefined) {
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
    }
  }
  return 0;
}
