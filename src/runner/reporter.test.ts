import { afterEach, describe, expect, it } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import type { JobReason } from '../contract/jobs.ts';
import type { RunnerReply, RunnerReport } from '../contract/runner.ts';
import { systemClock } from '../platform/clock.ts';
import { waitFor } from '../platform/wait.ts';
import { type Reporter, startReporter } from './reporter.ts';

const REASON: JobReason = { code: 'step-failed', title: 't', detail: 'd', hint: 'h', step: 'fetch' };

let reporter: Reporter;
afterEach(async () => {
  await reporter.close();
});

/** A service that answers as the test says; it keeps what it took. */
function start(answer: (report: RunnerReport) => RunnerReply, graceSeconds = 60) {
  const taken: RunnerReport[] = [];
  let calls = 0;
  reporter = startReporter({
    document: {
      attempt: 1,
      api: { url: 'http://kiln.test', socket: null, token: 'a-token', grace_seconds: graceSeconds },
      limits: {
        disk_bytes: 1,
        memory_bytes: 1,
        cpus: 1,
        pids: 1,
        recipe_bytes: 1,
        recipe_entries: 1,
        log_bytes: 1_000_000,
      },
    },
    api: {
      async report(report) {
        calls += 1;
        const reply = answer(report);
        taken.push(structuredClone(report));
        return reply;
      },
    },
    clock: systemClock,
    mask: (text) => text.replaceAll('a-token', '***'),
    signOfLifeMs: 300,
  });
  const until = (what: string, probe: () => boolean) =>
    waitFor(() => (probe() ? true : undefined), { timeoutMs: 10_000, intervalMs: 10, describe: () => what });
  return { taken, until, calls: () => calls, lines: () => taken.flatMap((report) => report.log) };
}

const away = () => {
  throw new KilnError('server-unreachable', 'connection refused');
};

describe('a reporter', () => {
  it('gives signs of life when nothing is new', async () => {
    const { taken, until } = start(() => ({ cancel: false }));

    await until('three reports', () => taken.length >= 3);

    expect(taken.every((report) => report.log.length === 0 && report.steps.length === 0)).toBe(true);
  });

  it('sends lines and changes of steps together, with secrets masked', async () => {
    const { taken } = start(() => ({ cancel: false }));
    reporter.step('fetch', 'running', { note: 'with a-token' });
    reporter.log('fetch', 'the token is a-token');

    await reporter.flush();

    const steps = taken.flatMap((report) => report.steps);
    expect(steps).toMatchObject([{ name: 'fetch', state: 'running', note: 'with ***' }]);
    expect(taken.flatMap((report) => report.log)).toMatchObject([{ line: 1, text: 'the token is ***' }]);
  });

  it('keeps everything while the service is away, and tells it when it is back', async () => {
    let isAway = true;
    const { calls, lines, until } = start(() => (isAway ? away() : { cancel: false }));
    reporter.log('fetch', 'one');
    await until('two attempts', () => calls() >= 2);
    reporter.log('fetch', 'two');

    isAway = false;
    await reporter.flush();

    expect(lines().map((line) => [line.line, line.text])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
    expect(reporter.stop.aborted).toBe(false);
  });

  it('stops the job when the service is away for longer than the grace time', async () => {
    start(away, 0.4);

    await new Promise((resolve) => reporter.stop.addEventListener('abort', resolve));

    expect(reporter.stop.reason).toMatchObject({ code: 'server-lost' });
    expect(await reporter.fail(REASON)).toBe(false);
    await expect(reporter.flush()).rejects.toMatchObject({ code: 'server-lost' });
  });

  it('stops the job when it was cancelled, and still tells how it ended', async () => {
    const { taken } = start(() => ({ cancel: true }));
    await new Promise((resolve) => reporter.stop.addEventListener('abort', resolve));
    reporter.log('fetch', 'last words');

    expect(await reporter.fail(REASON)).toBe(true);

    expect(reporter.stop.reason).toMatchObject({ code: 'job-cancelled' });
    expect(taken.at(-1)?.failure).toEqual(REASON);
    expect(taken.flatMap((report) => report.log)).toMatchObject([{ text: 'last words' }]);
  });

  it.each(['job-fenced', 'unauthorized', 'job-not-found'] as const)('stops the job on %s', async (code) => {
    const { calls } = start(() => {
      throw new KilnError(code, 'no');
    });

    await new Promise((resolve) => reporter.stop.addEventListener('abort', resolve));

    expect(reporter.stop.reason).toMatchObject({ code });
    expect(await reporter.fail(REASON)).toBe(false);
    expect(calls()).toBe(1);
  });

  it('tells the failure after the last line, once', async () => {
    const { taken } = start(() => ({ cancel: false }));
    for (let number = 0; number < 4_500; number += 1) {
      reporter.log('fetch', `line ${number}`);
    }

    expect(await reporter.fail(REASON)).toBe(true);

    const failures = taken.filter((report) => report.failure !== undefined);
    expect(failures).toHaveLength(1);
    expect(taken.at(-1)).toBe(failures[0]);
    expect(taken.flatMap((report) => report.log)).toHaveLength(4_500);
  });
});
