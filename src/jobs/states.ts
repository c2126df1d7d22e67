/**
 * The states of a job and how they follow on one another. The words that the reference's clients know are
 * derived from the state and the step in progress; nothing stores them.
 */
import type { Job, JobState, JobStatus, JobStep } from '../contract/jobs.ts';
import { CREATE_STEPS, CUSTOMIZE_STEPS, IMPORT_STEPS, INSPECT_STEPS, stepsOf } from '../contract/steps.ts';

/** `starting` goes back to `queued` when the service was restarted before a runner was started. */
const TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['starting', 'failed', 'cancelled'],
  starting: ['queued', 'running', 'failed', 'cancelling'],
  running: ['succeeded', 'failed', 'cancelling'],
  cancelling: ['cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** Those that several types of job have mean much the same in all. */
const ALL_STEPS = [...CREATE_STEPS, ...IMPORT_STEPS, ...CUSTOMIZE_STEPS, ...INSPECT_STEPS];

/** States in which a runner is, or may be, at work. */
export const ACTIVE_STATES = ['starting', 'running', 'cancelling'] as const satisfies JobState[];

export function mayFollow(from: JobState, to: JobState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether the job has ended: nothing follows on this state. */
export function isOver(state: JobState): boolean {
  return TRANSITIONS[state].length === 0;
}

/** The step that is in progress: the last one that runs. */
export function stepInProgress(steps: readonly JobStep[]): JobStep | undefined {
  return steps.findLast((step) => step.state === 'running');
}

/** The status in the words of the reference service. */
export function statusOf(state: JobState, steps: readonly JobStep[]): JobStatus {
  switch (state) {
    case 'queued':
    case 'starting':
      return 'creating';
    case 'succeeded':
      return 'success';
    case 'failed':
    case 'cancelled':
      return 'error';
    default:
      return statusOfSteps(steps);
  }
}

/** Between two steps the status is the one of the last step that began. */
function statusOfSteps(steps: readonly JobStep[]): JobStatus {
  const current = stepInProgress(steps) ?? steps.findLast((step) => step.state !== 'pending');
  return ALL_STEPS.find((step) => step.name === current?.name)?.status ?? 'creating';
}

/** The steps of a job that nobody has begun. */
export function pendingSteps(jobType: Job['job_type'], withShell: boolean): Job['steps'] {
  return stepsOf(jobType, withShell).map(({ name, title }) => ({
    name,
    title,
    state: 'pending',
    started: null,
    finished: null,
    progress: null,
    note: null,
    first_line: null,
  }));
}
