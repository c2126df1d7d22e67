/** Makes the changes of a customize job in the image, one after the other, in the jail. */
import type { ImageOverlay } from '../../builder/overlay.ts';
import type { Change } from '../../contract/customizations.ts';
import { runCommand } from '../changes/command.ts';
import { runPlaybook } from '../changes/playbook.ts';
import type { Keeper } from '../keeper.ts';
import type { Step } from '../step.ts';

const NAME_LENGTH = 60;

export interface ApplyInput {
  readonly overlay: Pick<ImageOverlay, 'keep'>;
  readonly keeper: Keeper;
}

/** Throws `command-failed` or `playbook-failed`, which name what failed. What was made before it is kept. */
export const apply: Step<ApplyInput, void> = {
  name: 'apply',
  async run(context, { overlay, keeper }) {
    const { changes } = context.document;
    const before = keeper.resume?.changes ?? 0;
    for (const [index, change] of [...changes.entries()].slice(before)) {
      const name = nameOf(change);
      context.log(`Change ${index + 1} of ${changes.length}: ${name}`);
      context.progress({ done: index, total: changes.length, unit: 'items', message: name });
      if (change.kind === 'command') {
        await runCommand(context, name, change);
      } else {
        context.log(`${name}: ${await runPlaybook(context, change)}`);
      }
      await overlay.keep();
      await keeper.reached({ stage: 'changes', changes: index + 1 });
    }
    context.note(noteOf(changes.length, before));
  },
};

function nameOf(change: Change): string {
  if (change.name !== undefined) {
    return change.name;
  }
  if (change.kind === 'command') {
    return firstLine(change.command);
  }
  const { source, playbook } = change;
  return [`playbook ${'ships' in source ? source.ships : source.git}`, playbook].join(' ').trim();
}

function noteOf(changes: number, before: number): string {
  if (changes === 0) {
    return 'nothing to do';
  }
  return before === 0 ? `${changes} done` : `${changes - before} done after ${before} that were kept`;
}

function firstLine(script: string): string {
  const line = script.trim().split('\n', 1)[0] ?? '';
  return line.length > NAME_LENGTH ? `${line.slice(0, NAME_LENGTH)}…` : line;
}
