/** A playbook as a change of an image: run by the builder root's Ansible against the jail. */
import { readdir } from 'node:fs/promises';
import type { Bind, HostBind } from '../../builder/sandbox.ts';
import type { PlaybookChange } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import { packageFile } from '../../platform/package-root.ts';
import { CUSTOMIZED } from '../image-root.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';
import { followPlaybook } from './playbook-events.ts';

const SOURCE: Bind = { folder: 'playbook', at: '/work/playbook', writable: false };
const DEFAULT_PLAYBOOK = 'site.yml';

/** Gives how many tasks did what. Throws `playbook-failed`, `playbook-unreadable` or `playbook-source-unreachable`. */
export async function runPlaybook(context: StepContext, change: PlaybookChange): Promise<string> {
  const source = await sourceOf(context, change);
  const command = await scriptCommand({
    script: 'run_playbook.py',
    beside: ['jail.py', 'kiln_image.py', 'kiln_events.py'],
    args: [SOURCE.at],
    network: 'outbound',
    binds: [CUSTOMIZED, ...source.binds],
    input: JSON.stringify({
      playbook: change.playbook ?? DEFAULT_PLAYBOOK,
      limit: change.limit ?? '',
      extra_vars: change.extra_vars ?? {},
      arch: context.document.arch,
    }),
  });
  const run = followPlaybook(SOURCE.at);
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

interface Source {
  readonly binds: readonly Bind[];
  readonly hostBinds: readonly HostBind[];
}

async function sourceOf(context: StepContext, { source }: PlaybookChange): Promise<Source> {
  if ('ships' in source) {
    const hostPath = packageFile('playbooks', source.ships);
    return { binds: [], hostBinds: [{ hostPath, at: SOURCE.at, writable: false }] };
  }
  await context.workspace.removeFolder(SOURCE.folder);
  await context.workspace.makeFolder(SOURCE.folder);
  const ref = source.ref === undefined ? [] : ['--branch', source.ref];
  const cloned = await context.workspace.run({
    argv: ['git', 'clone', '--quiet', '--depth', '1', ...ref, '--', source.git, SOURCE.at],
    env: { GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'http:https' },
    binds: [{ ...SOURCE, writable: true }],
    network: 'outbound',
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (cloned.exitCode !== 0) {
    throw new KilnError('playbook-source-unreachable', `${source.git}: ${cloned.tail.slice(-3).join('\n')}`);
  }
  const files = await readdir(context.workspace.hostPath(SOURCE.folder));
  context.log(`${source.git} has ${files.length} files and folders`);
  return { binds: [SOURCE], hostBinds: [] };
}
