/** Merges what a runner reports about steps into the steps of a job. */
import type { JobStep, LogLine } from '../contract/jobs.ts';
import type { StepReport } from '../contract/runner.ts';

/** Changes of steps that the job does not have are ignored. */
export function mergeSteps(
  steps: readonly JobStep[],
  changes: readonly StepReport[],
  newLines: readonly LogLine[],
): JobStep[] {
  const changed = changes.reduce(
    (current, change) => current.map((step) => (step.name === change.name ? mergeStep(step, change) : step)),
    [...steps],
  );
  return changed.map((step) => withFirstLine(step, newLines));
}

function mergeStep(step: JobStep, change: StepReport): JobStep {
  const merged: JobStep = {
    ...step,
    state: change.state,
    progress: change.progress ?? (change.state === 'running' ? step.progress : null),
    note: change.note ?? step.note,
  };
  if (change.state === 'running') {
    return { ...merged, started: step.started ?? change.at, finished: null };
  }
  return change.state === 'pending' ? merged : { ...merged, finished: step.finished ?? change.at };
}

function withFirstLine(step: JobStep, newLines: readonly LogLine[]): JobStep {
  if (step.first_line !== null) {
    return step;
  }
  const first = newLines.find((line) => line.step === step.name);
  return first === undefined ? step : { ...step, first_line: first.line };
}

/** The steps of a job that is over: none of them runs any more. */
export function closeSteps(steps: readonly JobStep[], state: 'done' | 'failed', at: string): JobStep[] {
  return steps.map((step) =>
    step.state === 'running' ? { ...step, state, finished: at, progress: null } : step,
  );
}
