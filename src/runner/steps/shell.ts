/** Opens the shell of a job, and waits in it for the verdict of its user, of a client of the API, or of the clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ShellCheckpoint } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { formatDuration } from '../../platform/bytes.ts';
import { systemClock, timestamp } from '../../platform/clock.ts';
import type { ShellImage } from '../image-root.ts';
import { dueWarning, shellTimes, warningKey } from '../shell/limits.ts';
import { openShell, type Shell } from '../shell/shell.ts';
import type { Step, StepContext } from '../step.ts';

/** How often the clock and the wishes of people are looked at. */
const LOOK_MS = 250;

export interface AskedShell {
  readonly asked: NonNullable<JobDocument['shell']>;
  readonly image: ShellImage;
  /** Keeps what was done so far; nobody writes to the image meanwhile. None for a build that failed. */
  readonly keep?: () => Promise<void>;
}

export interface OpenedShell extends AskedShell {
  readonly shell: Shell;
  readonly opened: number;
  lastCheckpoint: ShellCheckpoint;
}

export const openShellStep: Step<AskedShell, OpenedShell> = {
  name: 'open-shell',
  async run(context, given) {
    const opened = systemClock.now().getTime();
    const shell = await openShell(context, given.asked, given.image);
    const { host, jail } = given.asked;
    context.note(`root at ${host}, port ${shell.door.port}, ${shell.fingerprint}${jail ? ', jailed' : ''}`);
    return { ...given, shell, opened, lastCheckpoint: null };
  },
};

/** Throws `shell-failed`, `shell-timed-out`, or `shell-could-not-open` when sshd is gone without a word. */
export const shell: Step<OpenedShell, void> = {
  name: 'shell',
  async run(context, opened) {
    try {
      const verdict = await verdictOf(context, opened);
      if (verdict === 'failed') {
        throw new KilnError('shell-failed', 'The work in the shell was said to have failed');
      }
    } finally {
      await opened.shell.close();
      tell(context, opened, false);
    }
  },
};

async function verdictOf(context: StepContext, opened: OpenedShell): Promise<'complete' | 'failed'> {
  const { shell, asked } = opened;
  let ended = false;
  const over = shell.verdict.then((verdict) => {
    ended = true;
    return verdict;
  });
  const given = new Set<string>();
  let told = '';
  let kept = 0;
  while (!ended) {
    context.signal.throwIfAborted();
    const { verdict } = context.desk.wishes();
    if (verdict !== undefined) {
      return verdict;
    }
    const wanted = shell.checkpoints() + (context.desk.wishes().checkpoints ?? 0);
    if (wanted > kept) {
      kept = wanted;
      await keepNow(context, opened);
    }
    const times = timesOf(context, opened);
    const now = systemClock.now().getTime();
    if (now >= times.idleEnds) {
      const limit = times.idleEnds === times.ends ? asked.total_seconds : asked.idle_seconds;
      const how = times.idleEnds === times.ends ? 'was open' : 'was idle';
      throw new KilnError('shell-timed-out', `The shell ${how} for ${formatDuration(limit)}`);
    }
    const warning = dueWarning(times, now, given);
    if (warning !== undefined) {
      given.add(warningKey(times, warning));
      await shell.say(
        `Kiln closes this shell in ${formatDuration(Math.round((times.idleEnds - now) / 1000))}.`,
      );
    }
    const { lastCheckpoint } = opened;
    const idleMinutes = Math.round(times.idleEnds / 60_000);
    const state = JSON.stringify([shell.door.connections(), times.ends, idleMinutes, lastCheckpoint]);
    if (state !== told) {
      told = state;
      tell(context, opened, true);
    }
    await Promise.race([over, sleep(LOOK_MS)]);
  }
  const verdict = await over;
  if (verdict === undefined) {
    throw new KilnError('shell-could-not-open', 'sshd ended without a word of its user');
  }
  return verdict;
}

/** A shell is worth more than a checkpoint: it stays open without one. */
async function keepNow(context: StepContext, opened: OpenedShell): Promise<void> {
  const { keep, shell } = opened;
  const problem = await problemOf(async () => {
    if (keep === undefined) {
      throw new Error('of a build that failed nothing is kept before its shell is finished');
    }
    await context.workspace.whilePaused(keep);
  });
  opened.lastCheckpoint = { at: timestamp(systemClock.now()), problem };
  const said =
    problem === null
      ? 'Kiln has kept what was done so far'
      : `Kiln could not keep what was done so far: ${problem}`;
  context.log(said);
  await shell.say(said);
}

async function problemOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function timesOf(context: StepContext, { shell, asked, opened }: OpenedShell) {
  const limits = { opened, idleSeconds: asked.idle_seconds, totalSeconds: asked.total_seconds };
  return shellTimes(limits, shell.lastActivity(), context.desk.wishes().extended_seconds ?? 0);
}

function tell(context: StepContext, opened: OpenedShell, open: boolean): void {
  const { shell, asked } = opened;
  const times = timesOf(context, opened);
  context.desk.tell({
    host: asked.host,
    port: shell.door.port,
    host_key: shell.hostKey,
    fingerprint: shell.fingerprint,
    open,
    ends: timestamp(new Date(times.ends)),
    idle_ends: timestamp(new Date(times.idleEnds)),
    connections: shell.door.connections().slice(-50),
    last_checkpoint: opened.lastCheckpoint,
  });
}
