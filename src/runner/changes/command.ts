/** A command as a change of an image: run in the jail by the image's own shell. */
import type { CommandChange } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import { CUSTOMIZED } from '../image-root.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';

/** Throws `command-failed`, which names the change. */
export async function runCommand(context: StepContext, name: string, change: CommandChange): Promise<void> {
  const { job_id, arch, secrets } = context.document;
  const command = await scriptCommand({
    script: 'run_in_image.py',
    beside: ['jail.py'],
    args: [],
    machine: context.document.arch,
    network: 'outbound',
    binds: [CUSTOMIZED],
    input: JSON.stringify({
      script: change.command,
      environment: { IMS_JOB_ID: job_id, IMS_ARCH: arch, ...secrets },
    }),
  });
  const result = await context.workspace.run({
    ...command,
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (result.exitCode !== 0) {
    const last = result.tail.at(-1);
    const words = last === undefined ? '' : `: ${last}`;
    throw new KilnError('command-failed', `"${name}" ended with code ${result.exitCode}${words}`);
  }
}
