/** Makes the changes of a customize job in the image, one after the other, in the jail. */
import type { ImageOverlay } from '../../builder/overlay.ts';
import { KilnError } from '../../contract/errors.ts';
import { CUSTOMIZED_AT, OVERLAY } from '../image-root.ts';
import type { Keeper } from '../keeper.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { Step, StepContext } from '../step.ts';

const NAME_LENGTH = 60;

export interface ApplyInput {
  readonly overlay: Pick<ImageOverlay, 'keep'>;
  readonly keeper: Keeper;
}

/** Throws `command-failed`, which names the change. What was made before it is kept. */
export const apply: Step<ApplyInput, void> = {
  name: 'apply',
  async run(context, { overlay, keeper }) {
    const { changes } = context.document;
    const before = keeper.resume?.changes ?? 0;
    for (const [index, change] of [...changes.entries()].slice(before)) {
      const name = change.name ?? firstLine(change.command);
      context.log(`Change ${index + 1} of ${changes.length}: ${name}`);
      context.progress({ done: index, total: changes.length, unit: 'items', message: name });
      await runCommand(context, name, change.command);
      await overlay.keep();
      await keeper.reached({ stage: 'changes', changes: index + 1 });
    }
    context.note(noteOf(changes.length, before));
  },
};

async function runCommand(context: StepContext, name: string, script: string): Promise<void> {
  const command = await scriptCommand({
    script: 'run_in_image.py',
    beside: ['jail.py'],
    args: [],
    network: 'outbound',
    binds: [{ folder: OVERLAY, at: CUSTOMIZED_AT, writable: true }],
    input: script,
  });
  const result = await context.workspace.run({
    ...command,
    env: { IMS_JOB_ID: context.document.job_id, IMS_ARCH: context.document.arch },
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (result.exitCode !== 0) {
    const last = result.tail.at(-1);
    const words = last === undefined ? '' : `: ${last}`;
    throw new KilnError('command-failed', `"${name}" ended with code ${result.exitCode}${words}`);
  }
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
