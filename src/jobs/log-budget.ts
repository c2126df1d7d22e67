/**
 * Keeps the log of a job within its limit: past it, one last line says that the log was cut, and what follows
 * is dropped. What is remembered here is a cache; the stored log is the truth, so that a restart or another
 * replica changes nothing.
 */
import type { LogLine } from '../contract/jobs.ts';
import type { JobStore, StoredJob } from './store.ts';

const READ_LINES = 1_000;
const LINE_LIMIT_CHARS = 16_384;

interface Usage {
  readonly lines: number;
  readonly bytes: number;
  readonly cut: boolean;
}

export interface LogBudget {
  /** The lines to store of those that a runner sent; `job` and `store` are those of one transaction. */
  admit(store: JobStore, job: StoredJob, sent: readonly LogLine[]): Promise<LogLine[]>;
  /** The job is over. */
  forget(jobId: string): void;
}

export function cutMessage(limitBytes: number): string {
  return `The log is longer than its limit of ${limitBytes} bytes (setting jobs.log_mib); the rest is not kept`;
}

export function createLogBudget(limitBytes: number): LogBudget {
  const message = cutMessage(limitBytes);
  const known = new Map<string, Usage>();

  const count = (usage: Usage, line: LogLine): Usage => ({
    lines: line.line,
    bytes: usage.bytes + Buffer.byteLength(line.text) + 1,
    cut: usage.cut || line.text === message,
  });

  /** What is stored, counted on from what is remembered; from the start when a transaction was undone. */
  async function usageOf(store: JobStore, job: StoredJob): Promise<Usage> {
    const remembered = known.get(job.request.id);
    let usage: Usage =
      remembered === undefined || remembered.lines > job.logLines
        ? { lines: 0, bytes: 0, cut: false }
        : remembered;
    while (usage.lines < job.logLines) {
      const batch = await store.readLog(job.request.id, usage.lines, READ_LINES);
      if (batch.length === 0) {
        break;
      }
      usage = batch.reduce(count, usage);
    }
    return usage;
  }

  return {
    async admit(store, job, sent) {
      let usage = await usageOf(store, job);
      const admitted: LogLine[] = [];
      for (const line of sent) {
        if (usage.cut) {
          break;
        }
        if (line.line <= usage.lines) {
          continue;
        }
        if (line.line !== usage.lines + 1) {
          break;
        }
        const short = { ...line, text: line.text.slice(0, LINE_LIMIT_CHARS) };
        const fits = count(usage, short).bytes <= limitBytes;
        const kept = fits ? short : { ...short, text: message };
        usage = count(usage, kept);
        admitted.push(kept);
      }
      known.set(job.request.id, usage);
      return admitted;
    },
    forget(jobId) {
      known.delete(jobId);
    },
  };
}
