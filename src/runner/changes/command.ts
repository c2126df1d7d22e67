/** A command as a change of an image: run in the jail by the image's own shell. */
import type { CommandChange } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import { CUSTOMIZED } from '../image-root.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';

/** Throws `command-failed`, which names the change. */
export async function runCommand(context: StepContext, name: string, change: CommandChange): Promise<void> {
  const command = await scriptCommand({
    script: 'run_in_image.py',
    beside: ['jail.py'],
    args: [],
    network: 'outbound',
    binds: [CUSTOMIZED],
    input: change.command,
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
