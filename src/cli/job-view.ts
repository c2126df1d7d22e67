/**
 * How a job looks while one watches it: on a terminal a list of steps that is redrawn, elsewhere a line per
 * change. Both are pure: a job and a time in, text out.
 */
import type { Job, JobProgress, JobStep } from '../contract/jobs.ts';
import { formatBytes, formatDuration } from '../platform/bytes.ts';
import { plain } from './text.ts';

const MARKS: Record<JobStep['state'], string> = {
  pending: '·',
  running: '▶',
  done: '✔',
  cached: '✔',
  skipped: '-',
  failed: '✘',
};
const BAR_WIDTH = 20;

/** The job as a block of lines, none wider than `width`. */
export function drawJob(job: Job, now: Date, width: number, lastLine: string): string[] {
  const began = job.started ?? job.created;
  const status = job.state === 'queued' ? 'waits for its turn' : job.status;
  const where = job.place === null ? '' : ` on ${job.place}`;
  const head = `${job.image_root_archive_name}: ${status}${where}, ${elapsed(began, job.finished, now)}`;
  const steps = job.steps.map((step) => {
    const time = step.started === null ? '' : elapsed(step.started, step.finished, now);
    const detail =
      step.state === 'running' && step.progress !== null ? drawProgress(step.progress) : (step.note ?? '');
    return `  ${MARKS[step.state]} ${step.title.padEnd(36)} ${time.padStart(12)}  ${detail}`;
  });
  const tail = lastLine === '' ? [] : [`    ${lastLine}`];
  return [head, ...steps, ...tail].map((line) => cut(oneLine(line), width));
}

/** How long each step took, of those that have begun. */
export function stepTimes(job: Job, now: Date): string[] {
  return job.steps.flatMap((step) =>
    step.started === null ? [] : [`${elapsed(step.started, step.finished, now).padStart(12)}  ${step.title}`],
  );
}

/** What changed between two looks at a job, one line each; for logs and pipes. */
export function changesBetween(before: Job | undefined, after: Job, now: Date): string[] {
  return after.steps.flatMap((step, index) => {
    const old = before?.steps[index]?.state ?? 'pending';
    if (old === step.state) {
      return [];
    }
    const time =
      step.finished === null || step.started === null
        ? ''
        : ` (${elapsed(step.started, step.finished, now)})`;
    const note = step.note === null || step.state === 'running' ? '' : `: ${step.note}`;
    return [oneLine(`${step.state.padEnd(7)} ${step.title}${time}${note}`)];
  });
}

export function drawProgress(progress: JobProgress): string {
  const { done, total, unit, message } = progress;
  const count = unit === 'bytes' ? formatBytes : (value: number) => String(Math.round(value));
  const label = unit === 'bytes' ? '' : unit === 'percent' ? '%' : ` ${unit}`;
  const text = message === undefined ? '' : `  ${oneLine(message)}`;
  if (total === null || total === 0) {
    return `${count(done)}${label}${text}`;
  }
  const filled = Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${bar} ${count(done)}${unit === 'percent' ? '' : `/${count(total)}`}${label}${text}`;
}

/** How a job ended, in words. */
export function summaryOf(job: Job, now: Date): string[] {
  const time = elapsed(job.started ?? job.created, job.finished, now);
  if (job.state === 'succeeded') {
    return [`Image ${job.resultant_image_id} is ready, after ${time}.`];
  }
  const { reason } = job;
  if (reason === null) {
    return [`The job is ${job.state}, after ${time}.`];
  }
  const items = (reason.errors ?? []).map((item) => {
    const place = [item.file, item.line].filter((part) => part !== undefined).join(':');
    const expected = item.expected === undefined ? '' : ` (allowed: ${item.expected})`;
    return `  - ${oneLine(`${place === '' ? '' : `${place}: `}${item.message}${expected}`)}`;
  });
  return [
    `The job ended in error after ${time}${reason.step === null ? '' : `, in step ${reason.step}`}: ${reason.title}`,
    ...plain(reason.detail)
      .split('\n')
      .map((line) => `  ${line}`),
    ...items,
    ...(reason.command === undefined ? [] : [`  command: ${reason.command}`]),
    `  ${reason.hint}`,
    ...(job.checkpoint === null
      ? []
      : [`  Its work is kept: \`kiln jobs retry ${job.id}\` goes on with it.`]),
  ];
}

function elapsed(from: string, to: string | null, now: Date): string {
  const end = to === null ? now.getTime() : Date.parse(to);
  return formatDuration(Math.max(0, end - Date.parse(from)) / 1000);
}

/** Text of a recipe's making as one harmless line. */
function oneLine(text: string): string {
  return plain(text).replaceAll(/\s/g, ' ').trimEnd();
}

function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
}
