import { expect, it } from 'vitest';
import { followPlaybook } from './playbook-events.ts';

const lines = (...events: unknown[]) => events.map((event) => JSON.stringify(event));

it('counts results, and names the task that failed, where it is and why', () => {
  const run = followPlaybook('/work/playbook');
  const said = lines(
    { event: 'play', name: 'all' },
    { event: 'task', name: 'one', place: '/work/playbook/site.yml:3', module: 'copy' },
    { event: 'result', state: 'changed' },
    { event: 'task', name: 'two', place: '/work/playbook/roles/a/tasks/main.yml:7', module: 'command' },
    { event: 'result', state: 'failed', message: 'it is broken' },
  ).map((line) => run.see(line)?.text);

  expect(said).toEqual(['Play: all', 'Task: one', 'changed', 'Task: two', 'failed: it is broken']);
  expect(run.recap()).toBe('1 changed, 1 failed');
  expect(run.begun()).toBe(2);
  expect(run.failure()).toBe('the task "two" (roles/a/tasks/main.yml:7, command): it is broken');
});

it('passes on what is no event, and knows of no failure then', () => {
  const run = followPlaybook('/work/playbook');
  for (const line of ['plain words', '{"event":"other"}', '[1]', '{']) {
    expect(run.see(line)).toEqual({ text: line });
  }
  expect(run.failure()).toBeUndefined();
  expect(run.recap()).toBe('no task');
});
