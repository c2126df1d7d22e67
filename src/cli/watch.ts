/** Watches a job until it is over. Ctrl-C stops the watching, not the job. */
import type { KilnClient } from '../client/index.ts';
import type { Job } from '../contract/jobs.ts';
import { Interrupted, interruptible } from './interrupt.ts';
import { summaryOf } from './job-view.ts';
import { liveView, plainView, type View } from './watch-views.ts';

export interface WatchOptions {
  readonly client: Pick<KilnClient, 'jobs'>;
  readonly id: string;
  readonly output: NodeJS.WriteStream;
  readonly now: () => Date;
}

/** The job as it ended. Throws `Interrupted` after saying how to come back. */
export async function watchJob(options: WatchOptions): Promise<Job> {
  const { id, output, now } = options;
  const view = output.isTTY ? liveView(output, now) : plainView(output, now);
  try {
    const job = await interruptible((signal) => untilOver(options, view, signal));
    view.end(job);
    output.write(`${summaryOf(job, now()).join('\n')}\n`);
    return job;
  } catch (error) {
    if (error instanceof Interrupted) {
      output.write(
        `\nThe job goes on. Watch it again with:  kiln jobs watch ${id}\nCancel it with:             kiln jobs cancel ${id}\n`,
      );
    }
    throw error;
  } finally {
    view.close();
  }
}

async function untilOver({ client, id }: WatchOptions, view: View, signal: AbortSignal): Promise<Job> {
  const first = await client.jobs.get(id);
  const over = new AbortController();
  const watching = async () => {
    let last = first;
    try {
      for await (const job of client.jobs.watch(id, { signal })) {
        last = job;
        view.show(job);
      }
      return last;
    } finally {
      over.abort();
    }
  };
  const reading = async () => {
    const stopped = AbortSignal.any([signal, over.signal]);
    try {
      for await (const line of client.jobs.log(id, {
        // The last line is what is shown: those before it need not come again.
        after: Math.max(0, first.log_lines - 1),
        signal: stopped,
      })) {
        view.line(line.text);
      }
    } catch (error) {
      if (!stopped.aborted) {
        throw error;
      }
    }
  };
  const [last] = await Promise.all([watching(), view.wantsLog ? reading() : undefined]);
  return last;
}
