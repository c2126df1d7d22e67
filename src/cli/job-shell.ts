/** `kiln jobs shell|finish|fail|extend`: the shell of a job. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { isOver } from '../client/index.ts';
import type { JobShell } from '../contract/customizations.ts';
import { KilnError } from '../contract/errors.ts';
import type { Job } from '../contract/jobs.ts';
import { runInTerminal } from '../platform/exec.ts';
import { type CommandContext, contextOf, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';
import { wholeNumberFrom } from './values.ts';

interface ShellFlags extends CommonOptions {
  identity?: string;
}

export function addShell(jobs: Command): void {
  withCommonOptions(jobs.command('shell').argument('<id>').argument('[command...]'))
    .description('open the shell of a job, as soon as it is there')
    .option('-i, --identity <file>', 'private key of the public key of the job; what ssh finds unless given')
    .addHelpText(
      'after',
      `
The shell ends the job with \`touch /tmp/complete\` or \`touch /tmp/failed\` where it is jailed, else with
\`touch /mnt/image/complete\` or \`touch /mnt/image/failed\`; or use \`kiln jobs finish\` and \`kiln jobs fail\`.
Examples:
  kiln jobs shell 9b0c… -i ~/.ssh/images
  kiln jobs shell 9b0c… -- cat /etc/os-release`,
    )
    .action(async (id: string, command: string[], flags: ShellFlags) => {
      const context = contextOf(flags);
      process.exitCode = await connect(await openShellOf(context, id), command, flags.identity);
    });
  addVerdict(jobs, 'finish', 'close the shell of a job; the image with its changes is made');
  addVerdict(jobs, 'fail', 'close the shell of a job; it ends without an image');
  withCommonOptions(jobs.command('checkpoint').argument('<id>'))
    .description('keep what was done in the shell of a job so far')
    .addHelpText(
      'after',
      `
The same as \`touch /tmp/checkpoint\` in the shell where it is jailed, else \`touch /mnt/image/checkpoint\`.
Example:
  kiln jobs checkpoint 9b0c…`,
    )
    .action(async (id: string, flags: CommonOptions) => keep(contextOf(flags), id));
  withCommonOptions(
    jobs.command('extend').argument('<id>').argument('<minutes>', 'minutes', wholeNumberFrom(1)),
  )
    .description('give the shell of a job more time')
    .addHelpText('after', '\nExample:\n  kiln jobs extend 9b0c… 120')
    .action(async (id: string, minutes: number, flags: CommonOptions) => {
      const context = contextOf(flags);
      await context.client.jobs.extend(id, minutes);
      context.say(`the shell of job ${id} may stay ${minutes} minutes longer`);
    });
}

/** Waits until it is kept. */
async function keep(context: CommandContext, id: string): Promise<void> {
  const before = await context.client.jobs.checkpoint(id);
  context.say('keeping what was done so far; the shell stands still meanwhile');
  let last = before;
  const isTried = () =>
    (last.shell?.last_checkpoint?.at ?? null) !== (before.shell?.last_checkpoint?.at ?? null);
  await interruptible(async (signal) => {
    for await (const job of context.client.jobs.watch(id, { signal })) {
      last = job;
      if (isTried()) {
        return;
      }
    }
  });
  if (!isTried()) {
    throw new KilnError('job-without-shell', `job ${id} is ${last.state}, and nothing more was kept of it`);
  }
  const problem = last.shell?.last_checkpoint?.problem ?? null;
  if (problem !== null) {
    throw new KilnError('checkpoint-failed', problem);
  }
  context.say(`kept; \`kiln jobs retry ${id} --from apply\` goes back to it, should the job fail`);
}

function addVerdict(jobs: Command, name: 'finish' | 'fail', description: string): void {
  withCommonOptions(jobs.command(name).argument('<id>'))
    .description(description)
    .addHelpText('after', `\nExample:\n  kiln jobs ${name} 9b0c…`)
    .action(async (id: string, flags: CommonOptions) => {
      const context = contextOf(flags);
      await context.client.jobs[name](id);
      context.say(`the shell of job ${id} is being closed; \`kiln jobs watch ${id}\` shows how it goes on`);
    });
}

/** Throws `job-without-shell` when the job ends before there is one. */
export async function openShellOf(context: CommandContext, id: string): Promise<JobShell> {
  let last: Job = await context.client.jobs.get(id);
  if (last.shell?.state !== 'open' && !isOver(last)) {
    context.say('waiting for the shell');
    await interruptible(async (signal) => {
      for await (const job of context.client.jobs.watch(id, { signal })) {
        last = job;
        if (job.shell?.state === 'open') {
          return;
        }
      }
    });
  }
  if (last.shell?.state !== 'open') {
    throw new KilnError('job-without-shell', `job ${id} is ${last.state}, and no shell of it is open`);
  }
  return last.shell;
}

/** Gives the exit code of ssh. */
export async function connect(
  shell: JobShell,
  command: readonly string[],
  identity?: string,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-shell-'));
  try {
    const known = join(folder, 'known_hosts');
    await writeFile(known, `[${shell.host}]:${shell.port} ${shell.host_key}\n`);
    const options = ['-o', `UserKnownHostsFile=${known}`, '-o', 'StrictHostKeyChecking=yes'];
    const key = identity === undefined ? [] : ['-i', identity, '-o', 'IdentitiesOnly=yes'];
    return await runInTerminal([
      'ssh',
      ...options,
      ...key,
      '-p',
      String(shell.port),
      `${shell.user}@${shell.host}`,
      ...command,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
