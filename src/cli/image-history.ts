/** `kiln images history` and `kiln images replay`: how an image came to be, and what the shells showed that it was made in. */
import type { Command } from 'commander';
import type { HistoryEntry, PathChange, Session } from '../contract/history.ts';
import { contextOf, withCommonOptions } from './context.ts';
import { type ReplayFlags, recordingsOf, replay, withReplayFlags } from './job-replay.ts';
import type { CommonOptions } from './nouns.ts';
import { plain } from './text.ts';

/** Paths, packages and sessions that are shown of each image unless all are asked for. */
const SHOWN = 20;
const SIGNS = { added: '+', changed: '~', removed: '-' } as const;

interface HistoryFlags extends CommonOptions {
  all?: boolean;
  script?: boolean;
}

export function addHistory(images: Command): void {
  withCommonOptions(images.command('history').argument('<id>'))
    .description('show how a customized image came to be: what was changed, by whom, and from which images')
    .option('--all', 'all paths, also those that came with packages or that programs made for themselves')
    .option('--script', 'print the proposed script that makes the changes of the image again')
    .addHelpText(
      'after',
      `
Examples:
  kiln images history 2f3c…
  kiln images history 2f3c… --script > changes.sh
  kiln images run 7d1f… --script changes.sh`,
    )
    .action(async (id: string, flags: HistoryFlags) => {
      const context = contextOf(flags);
      const history = await context.client.images.history(id);
      if (flags.script) {
        process.stdout.write(history.entries[0]?.script ?? '');
      } else if (context.format === 'table') {
        process.stdout.write(history.entries.map((entry) => viewOf(entry, flags.all === true)).join('\n'));
      } else {
        context.print(history, []);
      }
    });
  withReplayFlags(withCommonOptions(images.command('replay').argument('<id>')))
    .description('replay what the terminals of the shell showed that an image was made in')
    .addHelpText('after', '\nExample:\n  kiln images replay 2f3c… --session 1 --speed 2')
    .action(async (id: string, flags: CommonOptions & ReplayFlags) => {
      const { client } = contextOf(flags);
      const { entries } = await client.images.history(id);
      await replay(recordingsOf(entries[0]?.sessions ?? []), flags, (number) =>
        client.images.recording(id, number),
      );
    });
}

/** One image of the line, for people. What is in it comes from the image, so nothing of it may move the cursor. */
export function viewOf(entry: HistoryEntry, all: boolean): string {
  const { packages, paths, sessions } = entry;
  const ours = all ? paths : paths.filter((path) => path.package === undefined && path.state !== true);
  const changed = [
    ...packages.installed.map(({ name, version }) => `+ ${name} ${version}`),
    ...packages.updated.map(({ name, version, from }) => `~ ${name} ${version}, was ${from}`),
    ...packages.removed.map(({ name, version }) => `- ${name} ${version}`),
  ];
  const others = entry.added + entry.changed + entry.removed - ours.length;
  const lines = [
    `${entry.image_name} (${entry.image_id})`,
    `  made ${entry.created} by job ${entry.job_id}`,
    `  from ${entry.parent_name} (${entry.parent_id})`,
    ...entry.ran.map(({ kind, name }) => `  ran ${name.startsWith(kind) ? name : `${kind} ${name}`}`),
    ...some(sessions.map(sessionLine), all),
    ...(entry.sessions_left_out > 0 ? [`  and ${entry.sessions_left_out} more sessions`] : []),
    ...section('packages', changed, all),
    ...section('paths', ours.map(pathLine), all),
    ...(others > 0 ? [`  ${others} more paths, of packages or what programs made for themselves`] : []),
    ...(entry.incomplete === null ? [] : [`  incomplete: ${entry.incomplete}`]),
  ];
  return lines.map((line) => `${plain(line).replaceAll('\n', ' ')}\n`).join('');
}

function section(title: string, lines: readonly string[], all: boolean): string[] {
  return lines.length === 0
    ? []
    : [
        `  ${title}:`,
        ...some(
          lines.map((line) => `    ${line}`),
          all,
        ),
      ];
}

function some(lines: readonly string[], all: boolean): string[] {
  const more = lines.length - SHOWN;
  return all || more <= 0 ? [...lines] : [...lines.slice(0, SHOWN), `    and ${more} more; --all shows them`];
}

function sessionLine({ from, key, started, ended, command, terminal, recording }: Session): string {
  const what = command ?? (terminal ? 'a shell' : 'a shell without a terminal');
  const where = recording === null ? '' : `, recording ${recording}`;
  return `  ${from}${key === null ? '' : ` with ${key}`}, ${started} to ${ended ?? '?'}: ${what}${where}`;
}

function pathLine({ change, path, parts, target, hard_link, secret }: PathChange): string {
  const notes = [
    ...(parts ?? []),
    ...(target === undefined ? [] : [`to ${target}`]),
    ...(hard_link === undefined ? [] : [`another name of ${hard_link}`]),
    ...(secret === true ? ['nothing of its content is kept'] : []),
  ];
  return `${SIGNS[change]} ${path}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
}
