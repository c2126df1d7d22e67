/**
 * Runs one step at a time: tells the service, holds the step to its deadline, and turns whatever stops it into
 * the reason of the job. It knows nothing of what the steps do or in which order they come.
 */
import type { SandboxResult, Workspace } from '../builder/sandbox.ts';
import { KilnError } from '../contract/errors.ts';
import type { JobReason } from '../contract/jobs.ts';
import type { JobDocument } from '../contract/runner.ts';
import { formatDuration } from '../platform/bytes.ts';
import { causeOf, reasonOf } from './diagnosis.ts';
import type { RunnerHttp } from './http.ts';
import type { Reporter } from './reporter.ts';
import type { Step } from './step.ts';

/** A step that does not heed its signal is left behind after this time. */
const PATIENCE_MS = 20_000;

export interface EngineOptions {
  readonly document: JobDocument;
  readonly workspace: Workspace;
  readonly reporter: Pick<Reporter, 'log' | 'step' | 'desk'>;
  readonly http: RunnerHttp;
  /** Aborts when the whole job has to stop; its reason becomes that of the job. */
  readonly stop: AbortSignal;
  /** For tests. */
  readonly patienceMs?: number;
}

/** Runs a step and gives its output. Throws `JobFailure`. */
export type RunStep = <Input, Output>(step: Step<Input, Output>, input: Input) => Promise<Output>;

/** A job that cannot go on, with the reason that clients are shown. */
export class JobFailure extends Error {
  readonly reason: JobReason;
  /** The whole job has to stop; no step of it failed. */
  readonly stopped: boolean;

  constructor(reason: JobReason, { cause, stopped }: { cause: unknown; stopped: boolean }) {
    super(reason.detail, { cause });
    this.name = 'JobFailure';
    this.reason = reason;
    this.stopped = stopped;
  }
}

export function createEngine(options: EngineOptions): RunStep {
  const { document, reporter } = options;

  return async (step, input) => {
    const seconds = document.deadlines[step.name] ?? document.deadlines['default'] ?? 900;
    const deadline = AbortSignal.timeout(seconds * 1000);
    const signal = AbortSignal.any([options.stop, deadline]);
    const failed: SandboxResult[] = [];
    const context = {
      document,
      workspace: watched(options.workspace, failed),
      signal,
      http: options.http,
      desk: reporter.desk,
      log: (text: string) => reporter.log(step.name, text),
      progress: (progress: NonNullable<Parameters<Reporter['step']>[2]>['progress']) =>
        reporter.step(step.name, 'running', progress === undefined ? {} : { progress }),
      note: (text: string) => reporter.step(step.name, 'running', { note: text }),
    };
    reporter.step(step.name, 'running');
    try {
      const output = await untilAborted(
        () => step.run(context, input),
        signal,
        options.patienceMs ?? PATIENCE_MS,
      );
      reporter.step(step.name, 'done');
      return output;
    } catch (error) {
      const cause = options.stop.aborted
        ? options.stop.reason
        : deadline.aborted
          ? new KilnError('step-deadline', `The step took longer than ${formatDuration(seconds)}`)
          : await causeOf(error, { document, workspace: options.workspace, failed });
      const reason = reasonOf(cause, step.name, options.stop.aborted ? undefined : failed.at(-1));
      reporter.log(step.name, `Failed: ${reason.title}. ${reason.detail}`);
      reporter.step(step.name, 'failed');
      throw new JobFailure(reason, { cause: error, stopped: options.stop.aborted });
    }
  };
}

/** The same workspace, which takes note of the commands that did not end well. */
function watched(workspace: Workspace, failed: SandboxResult[]): Workspace {
  return {
    makeFolder: (name) => workspace.makeFolder(name),
    removeFolder: (name) => workspace.removeFolder(name),
    openOverlay: (name, options) => workspace.openOverlay(name, options),
    hostPath: (folder) => workspace.hostPath(folder),
    writeFile: (folder, name, data) => workspace.writeFile(folder, name, data),
    whilePaused: (work) => workspace.whilePaused(work),
    usage: () => workspace.usage(),
    close: () => workspace.close(),
    async run(command) {
      const result = await workspace.run(command);
      if (result.exitCode !== 0 || result.outOfMemory) {
        failed.push(result);
      }
      return result;
    },
  };
}

/** The work's own end, or the signal's reason when the work goes on for too long after it. */
async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal, patienceMs: number): Promise<T> {
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), patienceMs);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), abandoned]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
