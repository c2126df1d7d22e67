/** Makes the changes of a customize job in the image, one after the other, in the jail. */
import type { ImageOverlay } from '../../builder/overlay.ts';
import { runCommand } from '../changes/command.ts';
import { nameOf } from '../changes/name.ts';
import { runPlaybook } from '../changes/playbook.ts';
import type { Keeper } from '../keeper.ts';
import type { Step } from '../step.ts';

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

function noteOf(changes: number, before: number): string {
  if (changes === 0) {
    return 'nothing to do';
  }
  return before === 0 ? `${changes} done` : `${changes - before} done after ${before} that were kept`;
}
