/** Stays with a job until it is over, and ends this program as the job ended. */
import type { Job } from '../contract/jobs.ts';
import type { CommandContext } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { watchJob } from './watch.ts';

export const JOB_COLUMNS: readonly Column<Job>[] = [
  { title: 'ID', value: (job) => job.id },
  { title: 'NAME', value: (job) => job.image_root_archive_name },
  { title: 'TYPE', value: (job) => job.job_type },
  { title: 'STATUS', value: (job) => job.status },
  { title: 'STEP', value: (job) => job.steps.find((step) => step.state === 'running')?.name ?? '-' },
  { title: 'IMAGE', value: (job) => job.resultant_image_id ?? '-' },
  { title: 'CREATED', value: (job) => job.created },
];

/** With a format asked for, standard output is the job as it ended, and the watching goes to standard error. */
export async function watch(context: CommandContext, options: CommonOptions, id: string): Promise<void> {
  const forPrograms = options.format !== undefined && context.format !== 'table';
  const output = forPrograms ? process.stderr : process.stdout;
  const job = await watchJob({ client: context.client, id, output, now: () => new Date() });
  if (forPrograms) {
    context.print(job, JOB_COLUMNS);
  }
  process.exitCode = job.state === 'succeeded' ? 0 : 1;
}
