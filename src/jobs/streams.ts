/** The log and the changes of a job as they come, written to whoever listens until the job is over. */
import { KilnError } from '../contract/errors.ts';
import type { Job, LogLine } from '../contract/jobs.ts';
import type { EventStream } from '../platform/sse.ts';
import type { JobChanges } from './changes.ts';
import type { JobService } from './service.ts';
import { isOver } from './states.ts';

const BATCH_LINES = 500;
/** Another replica may have changed the job: the records are looked at this often in any case. */
const POLL_MS = 1_000;

export interface StreamDeps {
  readonly jobs: JobService;
  readonly changes: JobChanges;
}

/** Sends the lines after number `after`; `end` when the job is over and all were sent. */
export async function streamLog(
  deps: StreamDeps,
  stream: EventStream,
  id: string,
  after: number,
): Promise<void> {
  let last = after;
  await followJob(deps, stream, id, async (job) => {
    // The job was read before its log: once it is over, the log that is read now is all of it.
    for await (const line of linesAfter(deps.jobs, id, last)) {
      if (stream.signal.aborted) {
        return;
      }
      await stream.send({ id: String(line.line), data: JSON.stringify(line) });
      last = line.line;
    }
    if (isOver(job.state)) {
      await stream.send({ event: 'end', data: JSON.stringify({ state: job.state }) });
    }
  });
}

/** Sends the whole job on each change, and a last time when it is over. */
export async function streamEvents(deps: StreamDeps, stream: EventStream, id: string): Promise<void> {
  let sent = '';
  await followJob(deps, stream, id, async (job) => {
    const data = JSON.stringify(job);
    if (data !== sent) {
      sent = data;
      await stream.send({ event: 'job', data });
    }
  });
}

/** All lines after number `after` that are stored by now. */
export async function* linesAfter(jobs: JobService, id: string, after: number): AsyncGenerator<LogLine> {
  let last = after;
  for (;;) {
    const lines = await jobs.readLog(id, last, BATCH_LINES);
    yield* lines;
    if (lines.length < BATCH_LINES) {
      return;
    }
    last = lines.at(-1)?.line ?? last;
  }
}

/** Calls `look` now and after each change, until the job is over or deleted, or nobody listens any more. */
async function followJob(
  deps: StreamDeps,
  stream: EventStream,
  id: string,
  look: (job: Job) => Promise<void>,
): Promise<void> {
  const following = deps.changes.follow(id);
  try {
    while (!stream.signal.aborted) {
      const job = await deps.jobs.get(id);
      await look(job);
      if (isOver(job.state)) {
        return;
      }
      await following.next(POLL_MS, stream.signal);
    }
  } catch (error) {
    if (!(error instanceof KilnError && error.code === 'job-not-found')) {
      throw error;
    }
  } finally {
    following.close();
    stream.end();
  }
}
