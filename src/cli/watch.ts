/** Watches a job until it is over. Ctrl-C stops the watching, not the job. */
import type { KilnClient } from '../client/index.ts';
import type { Job } from '../contract/jobs.ts';
import { changesBetween, drawJob, drawProgress, summaryOf } from './job-view.ts';

export interface WatchOptions {
  readonly client: KilnClient;
  readonly id: string;
  readonly output: NodeJS.WriteStream;
  readonly now: () => Date;
}

const REDRAW_MS = 100;
const PLAIN_PROGRESS_MS = 10_000;
export const EXIT_INTERRUPTED = 130;

/** Exit code: 0 only when the job succeeded, 130 when the watching was interrupted. */
export async function watchJob(options: WatchOptions): Promise<number> {
  const { client, id, output, now } = options;
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  const view = output.isTTY ? liveView(output, now) : plainView(output, now);
  try {
    const lastLines = view.wantsLog ? followLog(client, id, stop.signal, view.line) : Promise.resolve();
    let last: Job | undefined;
    for await (const job of client.jobs.watch(id, { signal: stop.signal })) {
      last = job;
      view.show(job);
    }
    stop.abort();
    await lastLines;
    if (last === undefined) {
      return 1;
    }
    view.end(last);
    output.write(`${summaryOf(last, now()).join('\n')}\n`);
    return last.state === 'succeeded' ? 0 : 1;
  } catch (error) {
    if (!stop.signal.aborted) {
      throw error;
    }
    output.write(
      `\nThe job goes on. Watch it again with:  kiln jobs watch ${id}\nCancel it with:             kiln jobs cancel ${id}\n`,
    );
    return EXIT_INTERRUPTED;
  } finally {
    process.removeListener('SIGINT', interrupt);
    view.close();
  }
}

interface View {
  readonly wantsLog: boolean;
  show(job: Job): void;
  line(text: string): void;
  end(job: Job): void;
  close(): void;
}

/** Redraws a block of lines in place, at most ten times a second. */
function liveView(output: NodeJS.WriteStream, now: () => Date): View {
  let current: Job | undefined;
  let lastLine = '';
  let drawn = 0;
  const draw = () => {
    if (current === undefined) {
      return;
    }
    const lines = drawJob(current, now(), output.columns || 80, current.finished === null ? lastLine : '');
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    output.write(`${up}\u001b[J${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    wantsLog: true,
    show(job) {
      current = job;
    },
    line(text) {
      lastLine = text;
    },
    end(job) {
      current = job;
      draw();
    },
    close: () => clearInterval(timer),
  };
}

/** A line per change, and one per ten seconds of progress. */
function plainView(output: NodeJS.WriteStream, now: () => Date): View {
  let before: Job | undefined;
  let lastProgress = now().getTime();
  const show = (job: Job) => {
    for (const line of changesBetween(before, job, now())) {
      output.write(`${line}\n`);
      lastProgress = now().getTime();
    }
    const running = job.steps.find((step) => step.state === 'running');
    if (running?.progress && now().getTime() - lastProgress >= PLAIN_PROGRESS_MS) {
      output.write(`        ${drawProgress(running.progress)}\n`);
      lastProgress = now().getTime();
    }
    before = job;
  };
  return { wantsLog: false, show, line() {}, end: show, close() {} };
}

async function followLog(
  client: KilnClient,
  id: string,
  signal: AbortSignal,
  onLine: (text: string) => void,
): Promise<void> {
  try {
    for await (const line of client.jobs.log(id, { signal })) {
      onLine(line.text);
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
}
