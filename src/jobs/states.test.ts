import { expect, test } from 'vitest';
import { JOB_STATES } from '../contract/jobs.ts';
import { CREATE_STEPS } from '../contract/steps.ts';
import { isOver, mayFollow, pendingSteps, statusOf } from './states.ts';

test('from every state that is not over, an end can be reached', () => {
  const reachable = (from: (typeof JOB_STATES)[number], seen = new Set([from])): boolean =>
    isOver(from) ||
    JOB_STATES.filter((to) => mayFollow(from, to) && !seen.has(to)).some((to) =>
      reachable(to, new Set([...seen, to])),
    );
  expect(JOB_STATES.filter((state) => !reachable(state))).toEqual([]);
});

test('nothing follows on an end', () => {
  for (const over of JOB_STATES.filter(isOver)) {
    expect(JOB_STATES.filter((to) => mayFollow(over, to))).toEqual([]);
  }
  expect(JOB_STATES.filter(isOver)).toEqual(['succeeded', 'failed', 'cancelled']);
});

test('the status follows the step in progress, and stays between two steps', () => {
  for (const { name, status } of CREATE_STEPS) {
    const running = pendingSteps('create', true).map((step) =>
      step.name === name ? { ...step, state: 'running' as const } : step,
    );
    const done = pendingSteps('create', true).map((step) =>
      step.name === name ? { ...step, state: 'done' as const } : step,
    );
    expect(statusOf('running', running)).toBe(status);
    expect(statusOf('cancelling', running)).toBe(status);
    expect(statusOf('running', done)).toBe(status);
  }
});

test('the status of a job that does not run is that of its state', () => {
  const steps = pendingSteps('create', false);
  expect(['queued', 'starting', 'running'].map((state) => statusOf(state as 'queued', steps))).toEqual([
    'creating',
    'creating',
    'creating',
  ]);
  expect(statusOf('succeeded', steps)).toBe('success');
  expect(statusOf('failed', steps)).toBe('error');
  expect(statusOf('cancelled', steps)).toBe('error');
});
