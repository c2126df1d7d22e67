import { describe, expect, it } from 'vitest';
import { createOutbox } from './outbox.ts';

const AT = '2026-01-01T00:00:00.000Z';
const outboxOf = (limitBytes = 1_000_000) =>
  createOutbox({ limitBytes, mask: (text) => text.replaceAll('hunter2', '***') });

describe('lines', () => {
  it('are numbered from 1 without gaps and kept until they are confirmed', () => {
    const outbox = outboxOf();
    outbox.addLine(AT, 'fetch', 'one');
    outbox.addLine(AT, 'fetch', 'two\nthree');

    expect(outbox.take().log.map((line) => line.line)).toEqual([1, 2, 3]);
    outbox.addLine(AT, 'unpack', 'four');
    expect(outbox.take().log.map((line) => line.text)).toEqual(['one', 'two', 'three', 'four']);
    outbox.confirm();

    expect(outbox.isEmpty()).toBe(true);
    outbox.addLine(AT, 'unpack', 'five');
    expect(outbox.take().log).toEqual([{ line: 5, at: AT, step: 'unpack', text: 'five' }]);
  });

  it('that came after a batch was taken are not confirmed with it', () => {
    const outbox = outboxOf();
    outbox.addLine(AT, 'fetch', 'one');
    outbox.take();
    outbox.addLine(AT, 'fetch', 'two');

    outbox.confirm();

    expect(outbox.take().log.map((line) => line.line)).toEqual([2]);
  });

  it('have no secrets and nothing that acts on a terminal', () => {
    const outbox = outboxOf();
    outbox.addLine(AT, 'fetch', '\u001b[31mred\u001b[0m \u0007hunter2\u0000 \u001b]0;title\u0007end');

    expect(outbox.take().log[0]?.text).toBe('red *** end');
  });

  it('go out in batches that a report can carry', () => {
    const outbox = outboxOf(100_000_000);
    for (let number = 0; number < 5_000; number += 1) {
      outbox.addLine(AT, 'prepare', 'x'.repeat(1_000));
    }

    const seen: number[] = [];
    while (!outbox.isEmpty()) {
      const { log } = outbox.take();
      expect(JSON.stringify(log).length).toBeLessThan(2_000_000);
      seen.push(...log.map((line) => line.line));
      outbox.confirm();
    }
    expect(seen).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });

  it('end with one that says so when the log is longer than its limit', () => {
    const outbox = outboxOf(20);
    for (const text of ['0123456789', '01234', 'too long now', 'more', 'and more']) {
      outbox.addLine(AT, 'prepare', text);
    }

    const texts = outbox.take().log.map((line) => line.text);
    expect(texts).toHaveLength(3);
    expect(texts[2]).toContain('limit of 20 bytes');
  });
});

describe('changes of steps', () => {
  it('keep only the newest progress of a step', () => {
    const outbox = outboxOf();
    outbox.addStep({ name: 'fetch', state: 'running', at: AT });
    outbox.addStep({ name: 'fetch', state: 'running', at: 'later', note: 'kept' });
    outbox.addStep({
      name: 'fetch',
      state: 'running',
      at: 'later',
      progress: { done: 2, total: 3, unit: 'bytes' },
    });
    outbox.addStep({ name: 'fetch', state: 'done', at: 'later' });

    expect(outbox.take().steps).toEqual([
      {
        name: 'fetch',
        state: 'running',
        at: AT,
        note: 'kept',
        progress: { done: 2, total: 3, unit: 'bytes' },
      },
      { name: 'fetch', state: 'done', at: 'later' },
    ]);
  });

  it('that are on their way are not changed any more', () => {
    const outbox = outboxOf();
    outbox.addStep({ name: 'fetch', state: 'running', at: AT });
    outbox.take();
    outbox.addStep({ name: 'fetch', state: 'running', at: 'later', note: 'new' });

    outbox.confirm();

    expect(outbox.take().steps).toEqual([{ name: 'fetch', state: 'running', at: 'later', note: 'new' }]);
  });
});
