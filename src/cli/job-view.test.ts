import { describe, expect, it } from 'vitest';
import { jobOf, stepOf } from '../client/testing/service.ts';
import { drawJob, drawProgress } from './job-view.ts';
import { liveView } from './watch-views.ts';

const NOW = new Date('2026-01-01T00:00:31.000Z');
const started = '2026-01-01T00:00:01.000Z';
const JOB = jobOf({
  steps: [
    stepOf({ name: 'fetch', title: 'Fetch', state: 'done', started, finished: started, note: '2 KiB' }),
    stepOf({
      title: 'Install',
      state: 'running',
      started,
      progress: { done: 43, total: 171, unit: 'packages', message: 'unpacking\u001b[2J udev' },
    }),
    stepOf({ title: 'Squash' }),
  ],
});

describe('a job on a terminal', () => {
  it('shows its steps, their times, how far the running one is, and the last line of the log', () => {
    expect(drawJob(JOB, NOW, 120, 'Setting up \u001b[31mudev')).toEqual([
      'compute: building_image, 30.0 s',
      `  ✔ ${'Fetch'.padEnd(36)}        0.0 s  2 KiB`,
      `  ▶ ${'Install'.padEnd(36)}       30.0 s  █████░░░░░░░░░░░░░░░ 43/171 packages  unpacking udev`,
      '  · Squash',
      '    Setting up udev',
    ]);
  });

  it('is no wider than the terminal', () => {
    for (const line of drawJob(JOB, NOW, 40, 'x'.repeat(200))) {
      expect(line.length).toBeLessThanOrEqual(40);
    }
  });

  it('says that it waits when there is no room for it yet', () => {
    expect(drawJob(jobOf({ state: 'queued', started: null }), NOW, 80, '')[0]).toBe(
      'compute: waits for its turn, 31.0 s',
    );
  });

  it('is drawn over itself, and never higher than the screen while it runs', () => {
    const written: string[] = [];
    const output = { columns: 80, rows: 3, write: (text: string) => written.push(text) > 0 };
    const view = liveView(output, () => NOW);

    view.end(JOB);
    view.end({ ...JOB, state: 'succeeded', finished: NOW.toISOString() });
    view.close();

    expect(written[0]?.split('\n')).toHaveLength(3);
    expect(written[1]?.startsWith('\u001b[2A\u001b[J')).toBe(true);
    expect(written[1]?.split('\n')).toHaveLength(5);
  });
});

describe('progress', () => {
  it.each([
    [{ done: 5, total: 10, unit: 'percent' }, '██████████░░░░░░░░░░ 5%'],
    [{ done: 1024, total: 4096, unit: 'bytes' }, '█████░░░░░░░░░░░░░░░ 1.0 KiB/4.0 KiB'],
    [{ done: 3, total: null, unit: 'items' }, '3 items'],
    [{ done: 12, total: 10, unit: 'items' }, '████████████████████ 12/10 items'],
  ] as const)('%j is %s', (progress, expected) => {
    expect(drawProgress(progress)).toBe(expected);
  });
});
