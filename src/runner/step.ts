/** What a step is: one named unit of a job with typed input and output, told to run once. */
import type { Workspace } from '../builder/sandbox.ts';
import type { JobProgress } from '../contract/jobs.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { StepName } from '../contract/steps.ts';
import type { RunnerHttp } from './http.ts';
import type { ShellDesk } from './reporter.ts';

export interface StepContext {
  readonly document: JobDocument;
  readonly workspace: Workspace;
  /** Aborted when the job is cancelled or the step has run out of time. */
  readonly signal: AbortSignal;
  /** One line for the log of the job. */
  log(text: string): void;
  progress(progress: JobProgress): void;
  readonly http: RunnerHttp;
  /** Where the shell of the job and the service hear of each other. */
  readonly desk: ShellDesk;
  /** What the step has to say about its result, in one line. */
  note(text: string): void;
}

export interface Step<Input, Output> {
  readonly name: StepName;
  run(context: StepContext, input: Input): Promise<Output>;
}
