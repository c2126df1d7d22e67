/** What a run of Ansible says, as kiln_events.py writes it, and what that comes to. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';

const Event = Type.Union([
  Type.Object({ event: Type.Literal('play'), name: Type.String() }),
  Type.Object({
    event: Type.Literal('task'),
    name: Type.String(),
    place: Type.String(),
    module: Type.String(),
  }),
  Type.Object({
    event: Type.Literal('result'),
    state: Type.Enum(['ok', 'changed', 'skipped', 'ignored', 'failed']),
    message: Type.Optional(Type.String()),
  }),
]);

export interface PlaybookRun {
  /** Takes a line of standard output. Gives what people are to be told of it: undefined for nothing. */
  see(line: string): { readonly text: string; readonly task?: string } | undefined;
  /** The task that failed, where it is, and why; undefined when none did. */
  failure(): string | undefined;
  /** How many tasks ended in which way. */
  recap(): string;
  /** Tasks that have begun. */
  begun(): number;
}

/** `folder` is where the playbook is in the sandbox: places of tasks are named below it. */
export function followPlaybook(folder: string): PlaybookRun {
  const counts = new Map<string, number>();
  let task: { name: string; place: string; module: string } | undefined;
  let failure: string | undefined;
  let begun = 0;

  return {
    see(line) {
      const event = parsed(line);
      if (event === undefined) {
        return { text: line };
      }
      if (event.event === 'play') {
        return { text: `Play: ${event.name}` };
      }
      if (event.event === 'task') {
        begun += 1;
        task = { ...event, place: event.place.replace(`${folder}/`, '') };
        return { text: `Task: ${task.name}`, task: task.name };
      }
      const { state, message = '' } = event;
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (state === 'failed') {
        failure = `the task "${task?.name}" (${task?.place}, ${task?.module}): ${message}`;
      }
      return { text: `${state}${message === '' ? '' : `: ${message}`}` };
    },
    failure: () => failure,
    recap: () => [...counts].map(([state, count]) => `${count} ${state}`).join(', ') || 'no task',
    begun: () => begun,
  };
}

function parsed(line: string) {
  try {
    const event: unknown = JSON.parse(line);
    return Value.Check(Event, event) ? event : undefined;
  } catch {
    return undefined;
  }
}
