/** `kiln jobs deleteall`: deletes the jobs that filters leave. */
import type { Command } from 'commander';
import { isOver } from '../client/index.ts';
import { KilnError } from '../contract/errors.ts';
import { JOB_STATUSES, type Job, type JobStatus } from '../contract/jobs.ts';
import { ageOf } from './age.ts';
import { confirmed } from './confirm.ts';
import { type CommandContext, contextOf, describeError, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import { plain } from './text.ts';
import { listOf, oneOf } from './values.ts';

const JOB_TYPES = ['create', 'customize', 'import', 'inspect'] as const satisfies Job['job_type'][];

interface DeleteAllFlags extends CommonOptions {
  status?: JobStatus[];
  jobType?: string;
  age?: string;
  yes?: boolean;
  dryRun?: boolean;
}

export function addDeleteAll(jobs: Command): void {
  withCommonOptions(jobs.command('deleteall'))
    .description('delete all jobs with their logs, or those that filters leave')
    .option('--status <status>', 'only with this status, or one of several: success,error', addStatuses)
    .option('--job-type <type>', `only of this type: ${JOB_TYPES.join(', ')}`)
    .option('--age <age>', 'only older than this: 2w, 3d, 6h, 30m, "1d 6h"')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .addHelpText(
      'after',
      `
A job that has not ended stays, and the exit code is 1 then; \`kiln jobs cancel\` ends one.
Example:
  kiln jobs deleteall --status error --age 2w --dry-run`,
    )
    .action(async (flags: DeleteAllFlags) => {
      const context = contextOf(flags);
      const isMeant = filterOf(flags, new Date());
      const found = (await context.client.jobs.list()).filter(isMeant);
      const ended = found.filter(isOver);
      const lines = ended
        .map((job) => `\n  ${job.id} ${plain(job.image_root_archive_name)} (${job.status})`)
        .join('');
      for (const { id } of found.filter((job) => !isOver(job))) {
        context.say(`job ${id} has not ended, so it stays; to end it: kiln jobs cancel ${id}`);
        process.exitCode = 1;
      }
      if (ended.length === 0) {
        context.say('there is no job to delete');
      } else if (flags.dryRun) {
        context.say(`would delete:${lines}`);
      } else if (await confirmed(`These jobs would go, with their logs:${lines}\nDelete them?`, flags.yes)) {
        await deleteEach(context, ended);
      } else {
        context.say('nothing was deleted');
        process.exitCode = 1;
      }
    });
}

function addStatuses(text: string, before: JobStatus[] = []): JobStatus[] {
  return [...before, ...listOf(text).map((word) => oneOf(JOB_STATUSES, '--status', word.toLowerCase()))];
}

/** Throws `UsageError` for a filter that is not understood: what it was meant to spare must not be deleted. */
function filterOf({ status, jobType, age }: DeleteAllFlags, now: Date): (job: Job) => boolean {
  const type = jobType === undefined ? undefined : oneOf(JOB_TYPES, '--job-type', jobType);
  const before = age === undefined ? undefined : now.getTime() - ageOf('--age', age);
  return (job) =>
    (status === undefined || status.includes(job.status)) &&
    (type === undefined || job.job_type === type) &&
    (before === undefined || Date.parse(job.created) < before);
}

/** A job that cannot be deleted does not keep the others. */
async function deleteEach(context: CommandContext, jobs: readonly Job[]): Promise<void> {
  for (const { id } of jobs) {
    try {
      await context.client.jobs.delete(id);
      context.say(`deleted job ${id}`);
    } catch (error) {
      if (!(error instanceof KilnError) || error.code === 'server-unreachable') {
        throw error;
      }
      if (error.code !== 'job-not-found') {
        context.say(describeError(error));
        process.exitCode = 1;
      }
    }
  }
}
