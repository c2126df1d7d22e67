/**
 * What the runner has to tell and the service has not confirmed yet: numbered log lines and changes of steps.
 * Lines are never dropped below the limit of the log; beyond it one line says that the log was cut. Nothing here
 * knows of the network, and only one batch is out at a time.
 */
import type { RunnerReport, StepReport } from '../contract/runner.ts';
import { cleanLine } from './clean-line.ts';

const BATCH_BYTES = 1024 * 1024;
const BATCH_LINES = 2_000;

export type Batch = Pick<RunnerReport, 'steps' | 'log'>;

export interface Outbox {
  /** Adds a line, cleaned and masked; several lines when it has line ends. */
  addLine(at: string, step: string, text: string): void;
  addStep(report: StepReport): void;
  isEmpty(): boolean;
  /** The oldest that fits one report; the same again until it is confirmed, and more if there is more. */
  take(): Batch;
  /** The service has what was taken last. */
  confirm(): void;
}

export interface OutboxOptions {
  /** Log that is kept of the job, in bytes. */
  readonly limitBytes: number;
  readonly mask: (text: string) => string;
}

export function createOutbox({ limitBytes, mask }: OutboxOptions): Outbox {
  const lines: RunnerReport['log'] = [];
  const steps: StepReport[] = [];
  let lastNumber = 0;
  let bytes = 0;
  let cut = false;
  let taken = { lines: 0, steps: 0 };

  const append = (at: string, step: string, text: string) => {
    lastNumber += 1;
    lines.push({ line: lastNumber, at, step, text });
  };

  return {
    addLine(at, step, text) {
      for (const part of text.split(/\r?\n/)) {
        const clean = mask(cleanLine(part));
        bytes += Buffer.byteLength(clean) + 1;
        if (bytes <= limitBytes) {
          append(at, step, clean);
        } else if (!cut) {
          cut = true;
          append(at, step, `The log is longer than its limit of ${limitBytes} bytes; the rest is not kept`);
        }
      }
    },
    addStep(report) {
      const last = steps.length - 1;
      const isNews = steps[last]?.name !== report.name || steps[last]?.state !== report.state;
      if (isNews || last < taken.steps) {
        steps.push(report);
        return;
      }
      // Only the newest progress of a step matters; when it began does too.
      steps[last] = { ...steps[last], ...report, at: steps[last]?.at ?? report.at };
    },
    isEmpty: () => lines.length === 0 && steps.length === 0,
    take() {
      let size = 0;
      let count = 0;
      for (const line of lines) {
        size += Buffer.byteLength(line.text) + 120;
        if (count === BATCH_LINES || (size > BATCH_BYTES && count > 0)) {
          break;
        }
        count += 1;
      }
      taken = { lines: count, steps: steps.length };
      return { log: lines.slice(0, count), steps: [...steps] };
    },
    confirm() {
      lines.splice(0, taken.lines);
      steps.splice(0, taken.steps);
      taken = { lines: 0, steps: 0 };
    },
  };
}
