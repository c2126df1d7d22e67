/** Mounts as any process of the machine sees them: what belongs to a job is mounted in namespaces of its own. */
import { readdir, readFile } from 'node:fs/promises';

/** Lines of mountinfo with this text, each once, whichever process has them. */
export async function mountsWith(text: string): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const tables = await Promise.all(
    // A process may be gone by now.
    processes.map((pid) => readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')),
  );
  const lines = tables.flatMap((table) => table.split('\n'));
  return [...new Set(lines)].filter((line) => line.includes(text));
}
