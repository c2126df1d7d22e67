/** `kiln jobs`: build images, watch and cancel. */
import type { Command } from 'commander';
import { isOver } from '../client/index.ts';
import type { Job } from '../contract/jobs.ts';
import { confirmed } from './confirm.ts';
import { type CommandContext, contextOf, withCommonOptions } from './context.ts';
import { interruptible } from './interrupt.ts';
import { addCreate } from './job-create.ts';
import { addDeleteAll } from './job-delete-all.ts';
import { addReplay } from './job-replay.ts';
import { addShell } from './job-shell.ts';
import { JOB_COLUMNS, watch } from './job-watch.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import { secretsOf } from './secrets.ts';
import { plain } from './text.ts';
import { wholeNumberFrom } from './values.ts';

export function addJobs(program: Command): void {
  const jobs = program.command('jobs').description('jobs: builds of images');
  addListDescribeDelete<Job>(jobs, {
    noun: 'jobs',
    singular: 'job',
    columns: JOB_COLUMNS,
    list: ({ client }) => client.jobs.list(),
    get: ({ client }, id) => client.jobs.get(id),
    delete: ({ client }, id) => client.jobs.delete(id),
    goesWithIt: ' with its log and the recordings of its shell',
    hasOwnDeleteAll: true,
  });
  addCreate(jobs, async (job, context, flags) => {
    if (!flags.watch) {
      context.print(job, JOB_COLUMNS);
      return;
    }
    context.say(`job ${job.id}`);
    await watch(context, flags, job.id);
  });
  withCommonOptions(jobs.command('watch').argument('<id>'))
    .description('watch a job until it is over; exit code 0 only when it succeeded')
    .addHelpText('after', '\nCtrl-C stops the watching, not the job.\nExample:\n  kiln jobs watch 9b0c…')
    .action((id: string, options: CommonOptions) => watch(contextOf(options), options, id));
  addLogs(jobs);
  addCancel(jobs);
  addShell(jobs);
  addReplay(jobs);
  addRetry(jobs);
  addDeleteAll(jobs);
}

interface LogFlags extends CommonOptions {
  follow?: boolean;
  after: number;
}

function addLogs(jobs: Command): void {
  withCommonOptions(jobs.command('logs').argument('<id>'))
    .description('print the log of a job')
    .option('-f, --follow', 'wait for more until the job is over; exit code 0 only when it succeeded')
    .option('--after <line>', 'leave out the lines up to this number', wholeNumberFrom(0), 0)
    .addHelpText('after', '\nExamples:\n  kiln jobs logs 9b0c… -f\n  kiln jobs logs 9b0c… --after 1200')
    .action(async (id: string, flags: LogFlags) => {
      const { client } = contextOf(flags);
      await interruptible((signal) => printLog(client, id, flags, signal));
      if (flags.follow && (await client.jobs.get(id)).state !== 'succeeded') {
        process.exitCode = 1;
      }
    });
}

async function printLog(
  client: CommandContext['client'],
  id: string,
  { follow, after }: LogFlags,
  signal: AbortSignal,
): Promise<void> {
  const { log_lines } = await client.jobs.get(id);
  if (!follow && log_lines <= after) {
    return;
  }
  for await (const { line, text } of client.jobs.log(id, { after, signal })) {
    process.stdout.write(`${process.stdout.isTTY ? plain(text) : text}\n`);
    if (!follow && line >= log_lines) {
      return;
    }
  }
}

interface CancelFlags extends CommonOptions {
  yes?: boolean;
  wait: boolean;
}

interface RetryFlags extends CommonOptions {
  from?: string;
  buildEnvSize?: number;
  secret: string[];
}

function addRetry(jobs: Command): void {
  withCommonOptions(jobs.command('retry').argument('<id>'))
    .description('try a job again that failed, with what is kept of its work')
    .option('--from <step>', 'step to go on with; after the last checkpoint unless given')
    .option(
      '--build-env-size <gib>',
      'disk space that the job may fill, in GiB, when what it had was too little',
      wholeNumberFrom(1),
    )
    .option(
      '--secret <name=file>',
      'secret that the job was given, once more: they are forgotten when it ends; may be repeated',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .addHelpText(
      'after',
      `
The steps of a job, and what is kept of it, are shown by \`kiln jobs describe ID\`. Its first step starts over; \`apply\` goes back to
what was kept last, after a change or by \`kiln jobs checkpoint\`.
Examples:
  kiln jobs retry 9b0c…
  kiln jobs retry 9b0c… --from open-shell`,
    )
    .action(async (id: string, flags: RetryFlags) => {
      const context = contextOf(flags);
      const secrets = await secretsOf(flags.secret);
      const from = flags.from === undefined ? {} : { from: flags.from };
      const size = flags.buildEnvSize === undefined ? {} : { build_env_size: flags.buildEnvSize };
      const job = await context.client.jobs.retry(id, { ...from, ...size, secrets });
      context.print(job, JOB_COLUMNS);
    });
}

function addCancel(jobs: Command): void {
  withCommonOptions(jobs.command('cancel').argument('<id>'))
    .description('stop a job and clean up after it')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait until it has stopped')
    .addHelpText('after', '\nExample:\n  kiln jobs cancel 9b0c… --yes')
    .action(async (id: string, flags: CancelFlags) => {
      const context = contextOf(flags);
      if (!(await confirmed(`Cancel job ${id}? What it has built so far is lost.`, flags.yes))) {
        context.say('the job goes on');
        process.exitCode = 1;
        return;
      }
      let job = await context.client.jobs.cancel(id);
      if (flags.wait && !isOver(job)) {
        context.say('waiting until it has stopped');
        await interruptible(async (signal) => {
          for await (const next of context.client.jobs.watch(id, { signal })) {
            job = next;
          }
        });
      }
      context.say(`job ${id} is ${job.state}`);
      process.exitCode = !flags.wait || job.state === 'cancelled' ? 0 : 1;
    });
}
