/** The two ways in which a watched job is shown: redrawn in place on a terminal, line by line elsewhere. */
import type { Job } from '../contract/jobs.ts';
import { changesBetween, drawJob, drawProgress, stepTimes } from './job-view.ts';

export interface View {
  /** Whether `line` wants the lines of the log. */
  readonly wantsLog: boolean;
  show(job: Job): void;
  line(text: string): void;
  /** Shows the job as it ended. */
  end(job: Job): void;
  close(): void;
}

type Output = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows'>;

const REDRAW_MS = 100;
const PLAIN_PROGRESS_MS = 10_000;

/** Redraws a block of lines in place, ten times a second, so that times go on while nothing else changes. */
export function liveView(output: Output, now: () => Date): View {
  let current: Job | undefined;
  let lastLine = '';
  let drawn = 0;
  const draw = () => {
    if (current === undefined) {
      return;
    }
    const lines = drawJob(current, now(), output.columns || 80, current.finished === null ? lastLine : '');
    // What has scrolled out of the screen cannot be redrawn: of a job that is over all lines are shown.
    const visible = current.finished === null ? lines.slice(-Math.max(1, (output.rows || 24) - 1)) : lines;
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    output.write(`${up}\u001b[J${visible.join('\n')}\n`);
    drawn = visible.length;
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

/** A line per change of a step, one per ten seconds of progress, and the times at the end. */
export function plainView(output: Output, now: () => Date): View {
  let before: Job | undefined;
  let lastLine = now().getTime();
  const say = (line: string) => {
    output.write(`${line}\n`);
    lastLine = now().getTime();
  };
  const show = (job: Job) => {
    changesBetween(before, job, now()).forEach(say);
    const running = job.steps.find((step) => step.state === 'running');
    if (running?.progress && now().getTime() - lastLine >= PLAIN_PROGRESS_MS) {
      say(`        ${drawProgress(running.progress)}`);
    }
    before = job;
  };
  return {
    wantsLog: false,
    show,
    line() {},
    end(job) {
      show(job);
      output.write(`\n${stepTimes(job, now()).join('\n')}\n\n`);
    },
    close() {},
  };
}
