/**
 * Processes of this machine as /proc shows them. A process is known by its id and its start time together,
 * because ids are used again.
 */
import { readdir, readFile } from 'node:fs/promises';
import { waitFor } from '../../../platform/wait.ts';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since the machine was started, as /proc writes it. */
  readonly startTime: string;
}

/** Undefined when there is no such process, or only its remains that nobody has collected. */
export async function processOf(pid: number): Promise<ProcessId | undefined> {
  const stat = await readOrNothing(`/proc/${pid}/stat`);
  // The name of the program comes second, in parentheses, and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[19];
  if (startTime === undefined || state === 'Z' || state === 'X') {
    return undefined;
  }
  return { pid, startTime };
}

export async function isRunning(process: ProcessId): Promise<boolean> {
  return (await processOf(process.pid))?.startTime === process.startTime;
}

export async function childrenOf(pid: number): Promise<ProcessId[]> {
  const pids = (await readOrNothing(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean);
  const children = await Promise.all(pids.map((child) => processOf(Number(child))));
  return children.filter((child) => child !== undefined);
}

/** Processes that were started with this variable in their environment. */
export async function processesWith(variable: string, value: string): Promise<ProcessId[]> {
  const wanted = `${variable}=${value}`;
  const found: ProcessId[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) {
      continue;
    }
    const environment = await readOrNothing(`/proc/${name}/environ`);
    const process = environment.split('\0').includes(wanted) ? await processOf(Number(name)) : undefined;
    if (process !== undefined) {
      found.push(process);
    }
  }
  return found;
}

/** One that is gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}

/** Waits until none of them runs; false when one still does after the time. */
export async function areGone(processes: readonly ProcessId[], timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  const left = async () => {
    const running = await Promise.all(processes.map(isRunning));
    return running.includes(true) && performance.now() < end ? undefined : true;
  };
  await waitFor(left, { timeoutMs: timeoutMs + 1_000, describe: () => 'processes to end' });
  return !(await Promise.all(processes.map(isRunning))).includes(true);
}

/** Files of a process vanish with it, at any moment. */
async function readOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
