/** A playbook as a change of an image: run by the builder root's Ansible against the jail. */
import type { PlaybookChange } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import { CUSTOMIZED } from '../image-root.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';
import { followPlaybook } from './playbook-events.ts';
import { fetchSource } from './playbook-source.ts';

const DEFAULT_PLAYBOOK = 'site.yml';

/** Gives how many tasks did what. Throws `playbook-failed`, and what `fetchSource` throws. */
export async function runPlaybook(context: StepContext, change: PlaybookChange): Promise<string> {
  const source = await fetchSource(context, change.source);
  const command = await scriptCommand({
    script: 'run_playbook.py',
    beside: ['jail.py', 'kiln_image.py', 'kiln_events.py'],
    args: [source.at],
    machine: context.document.arch,
    network: 'outbound',
    binds: [CUSTOMIZED, ...source.binds],
    input: JSON.stringify({
      playbook: change.playbook ?? DEFAULT_PLAYBOOK,
      limit: change.limit ?? '',
      extra_vars: change.extra_vars ?? {},
      secrets: context.document.secrets,
      arch: context.document.arch,
    }),
  });
  const run = followPlaybook(source.at);
  const result = await context.workspace.run({
    ...command,
    hostBinds: source.hostBinds,
    signal: context.signal,
    onLine(line) {
      const seen = run.see(line);
      if (seen !== undefined) {
        context.log(seen.text);
      }
      if (seen?.task !== undefined) {
        context.progress({ done: run.begun(), total: null, unit: 'items', message: seen.task });
      }
    },
  });
  if (result.exitCode === 0 && run.begun() > 0) {
    return run.recap();
  }
  const failure = run.failure();
  if (failure !== undefined) {
    throw new KilnError('playbook-failed', failure);
  }
  const said =
    result.exitCode === 0 ? 'it has no task for the host `image`' : result.tail.slice(-12).join('\n');
  throw new KilnError('playbook-unreadable', `${change.playbook ?? DEFAULT_PLAYBOOK}: ${said}`);
}
