/** `kiln jobs replay`: who was in the shell of a job, and what their terminals showed. */
import type { Command } from 'commander';
import { isOver } from '../client/index.ts';
import { KilnError } from '../contract/errors.ts';
import type { Session } from '../contract/history.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { showRecordings } from './replay/index.ts';
import { plain } from './text.ts';
import { wholeNumberFrom } from './values.ts';

const COLUMNS: readonly Column<Session>[] = [
  { title: 'SESSION', value: ({ recording }) => String(recording ?? '-') },
  { title: 'FROM', value: ({ from }) => from },
  { title: 'STARTED', value: ({ started }) => started },
  { title: 'ENDED', value: ({ ended }) => ended ?? '-' },
  { title: 'KEY', value: ({ key }) => plain(key ?? '-') },
  {
    title: 'WHAT',
    value: ({ command, terminal }) => plain(command ?? (terminal ? 'a shell' : 'a shell without a terminal')),
  },
];

export interface ReplayFlags {
  session?: number;
  speed: number;
  idle: number;
  cast?: boolean;
}

interface JobReplayFlags extends CommonOptions, ReplayFlags {
  list?: boolean;
}

export function addReplay(jobs: Command): void {
  withReplayFlags(withCommonOptions(jobs.command('replay').argument('<id>')))
    .description('replay what the terminals of the shell of a job showed')
    .option('--list', 'who was in the shell, also of those who had no terminal')
    .addHelpText(
      'after',
      `
Sessions are there once they are over, until the job is deleted; those of an image that was made stay with the image:
\`kiln images replay ID\`. Where standard output is no terminal, the plain text is printed at once.
Examples:
  kiln jobs replay 9b0c… --list
  kiln jobs replay 9b0c… --session 2 --speed 4`,
    )
    .action(async (id: string, flags: JobReplayFlags) => {
      const context = contextOf(flags);
      const { sessions, sessions_left_out } = await context.client.jobs.recordings(id);
      if (flags.list) {
        context.print(sessions, COLUMNS);
        if (sessions_left_out > 0) {
          context.say(`and ${sessions_left_out} more`);
        }
        return;
      }
      // Where nobody saw the end of a session, its recording is there once the job is over.
      const isComplete = isOver(await context.client.jobs.get(id));
      const there = sessions.filter(({ ended }) => isComplete || ended !== null);
      await replay(recordingsOf(there), flags, (number) => context.client.jobs.recording(id, number));
    });
}

export function withReplayFlags(command: Command): Command {
  return command
    .option('--session <number>', 'only this one; all unless given, one after the other', wholeNumberFrom(1))
    .option('--speed <factor>', 'how many times as fast', positiveNumber, 1)
    .option('-i, --idle <seconds>', 'longest time in which nothing happens', positiveNumber, 2)
    .option('--cast', 'print the recording itself, an asciicast, for other players');
}

export function recordingsOf(sessions: readonly Session[]): number[] {
  return sessions.flatMap(({ recording }) => recording ?? []);
}

/** Shows those of the recordings that the flags ask for. Throws `recording-not-found` when there is none. */
export async function replay(
  there: readonly number[],
  { session, speed, idle, cast }: ReplayFlags,
  fetch: (number: number) => Promise<string>,
): Promise<void> {
  const wanted = session === undefined ? there : [session];
  if (wanted.length === 0) {
    throw new KilnError('recording-not-found', 'no session is recorded, or over');
  }
  if (cast && wanted.length > 1) {
    throw new UsageError(`--cast prints one recording; choose with --session: ${wanted.join(', ')}`);
  }
  const casts = await Promise.all(wanted.map(fetch));
  if (cast) {
    process.stdout.write(casts.join(''));
    return;
  }
  await showRecordings(casts, { speed, idleSeconds: idle });
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number <= 0) {
    throw new UsageError(`${text}: it has to be a number above 0`);
  }
  return number;
}
