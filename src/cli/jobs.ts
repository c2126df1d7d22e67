/** `kiln jobs`: build images, watch and cancel. */
import { type Command, InvalidArgumentError } from 'commander';
import { isOver } from '../client/index.ts';
import type { Job, JobCreate } from '../contract/jobs.ts';
import { confirmed } from './confirm.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import { addListDescribeDelete, type CommonOptions } from './nouns.ts';
import type { Column } from './output.ts';
import { EXIT_INTERRUPTED, watchJob } from './watch.ts';

const COLUMNS: readonly Column<Job>[] = [
  { title: 'ID', value: (job) => job.id },
  { title: 'NAME', value: (job) => job.image_root_archive_name },
  { title: 'TYPE', value: (job) => job.job_type },
  { title: 'STATUS', value: (job) => job.status },
  { title: 'STEP', value: (job) => job.steps.find((step) => step.state === 'running')?.name ?? '-' },
  { title: 'IMAGE', value: (job) => job.resultant_image_id ?? '-' },
  { title: 'CREATED', value: (job) => job.created },
];

interface CreateOptions extends CommonOptions {
  jobType: string;
  artifactId: string;
  imageRootArchiveName: string;
  publicKeyId?: string;
  buildEnvSize?: number;
  jobMemSize?: number;
  kernelFileName?: string;
  initrdFileName?: string;
  kernelParametersFileName?: string;
  enableDebug?: boolean;
  watch?: boolean;
}

export function addJobs(program: Command): void {
  const jobs = program.command('jobs').description('jobs: builds of images');
  addListDescribeDelete<Job>(jobs, {
    noun: 'jobs',
    singular: 'job',
    columns: COLUMNS,
    list: ({ client }) => client.jobs.list(),
    get: ({ client }, id) => client.jobs.get(id),
    delete: ({ client }, id) => client.jobs.delete(id),
    goesWithIt: ' with its log',
  });
  addCreate(jobs);

  withCommonOptions(
    jobs.command('watch').argument('<id>').description('watch a job until it is over'),
  ).action(async (id: string, options: CommonOptions) => {
    process.exitCode = await watch(options, id);
  });
  withCommonOptions(jobs.command('logs').argument('<id>').description('print the log of a job'))
    .option('-f, --follow', 'wait for more until the job is over')
    .option('--after <line>', 'leave out the lines up to this number', wholeNumber, 0)
    .action(async (id: string, options: CommonOptions & { follow?: boolean; after: number }) => {
      process.exitCode = await printLog(options, id);
    });
  withCommonOptions(jobs.command('cancel').argument('<id>').description('stop a job and clean up after it'))
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait until it has stopped')
    .action(async (id: string, options: CommonOptions & { yes?: boolean; wait: boolean }) => {
      const context = contextOf(options);
      if (!(await confirmed(`Cancel job ${id}? What it has built so far is lost.`, options.yes))) {
        process.exitCode = 1;
        return;
      }
      let job = await context.client.jobs.cancel(id);
      if (options.wait && !isOver(job)) {
        context.say('waiting until it has stopped');
        for await (const next of context.client.jobs.watch(id)) {
          job = next;
        }
      }
      context.say(`job ${id} is ${job.state}`);
      process.exitCode = !options.wait || job.state === 'cancelled' ? 0 : 1;
    });
}

function addCreate(jobs: Command): void {
  withCommonOptions(jobs.command('create'))
    .description('build an image from a recipe')
    .requiredOption('--artifact-id <id>', 'recipe to build from')
    .requiredOption('--image-root-archive-name <name>', 'name of the image that results')
    .option('--job-type <type>', 'create', 'create')
    .option('--public-key-id <id>', 'key that opens the shell of the job')
    .option('--build-env-size <gib>', 'disk space that the job may fill, in GiB', wholeNumber)
    .option('--job-mem-size <gib>', 'memory that the job may use, in GiB', wholeNumber)
    .option('--kernel-file-name <name>', 'kernel in /boot of the image; the newest one unless given')
    .option('--initrd-file-name <name>', 'initrd in /boot; the one of the kernel unless given')
    .option('--kernel-parameters-file-name <name>', 'file in /boot with boot parameters')
    .option('--enable-debug', 'write more into the log')
    .option('--watch', 'stay until the job is over; exit code 0 only when it made the image')
    .addHelpText(
      'after',
      `
Example:
  kiln jobs create --artifact-id 7d1f… --image-root-archive-name compute --watch`,
    )
    .action(async (options: CreateOptions) => {
      const context = contextOf(options);
      if (options.jobType !== 'create' && options.jobType !== 'customize') {
        throw new UsageError(`--job-type ${options.jobType}: it is create or customize`);
      }
      const job = await context.client.jobs.create(requestOf(options, options.jobType));
      if (!options.watch) {
        context.print(job, COLUMNS);
        return;
      }
      context.say(`job ${job.id}`);
      process.exitCode = await watch(options, job.id);
    });
}

function requestOf(options: CreateOptions, job_type: JobCreate['job_type']): JobCreate {
  return {
    job_type,
    artifact_id: options.artifactId,
    image_root_archive_name: options.imageRootArchiveName,
    ...(options.publicKeyId === undefined ? {} : { public_key_id: options.publicKeyId }),
    ...(options.buildEnvSize === undefined ? {} : { build_env_size: options.buildEnvSize }),
    ...(options.jobMemSize === undefined ? {} : { job_mem_size: options.jobMemSize }),
    ...(options.kernelFileName === undefined ? {} : { kernel_file_name: options.kernelFileName }),
    ...(options.initrdFileName === undefined ? {} : { initrd_file_name: options.initrdFileName }),
    ...(options.kernelParametersFileName === undefined
      ? {}
      : { kernel_parameters_file_name: options.kernelParametersFileName }),
    ...(options.enableDebug === undefined ? {} : { enable_debug: options.enableDebug }),
  };
}

function watch(options: CommonOptions, id: string): Promise<number> {
  const { client } = contextOf(options);
  return watchJob({ client, id, output: process.stdout, now: () => new Date() });
}

/** Exit code: 0 when the log was printed, and with --follow only when the job succeeded. */
async function printLog(
  options: CommonOptions & { follow?: boolean; after: number },
  id: string,
): Promise<number> {
  const { client } = contextOf(options);
  const { log_lines } = await client.jobs.get(id);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  try {
    if (options.follow || log_lines > options.after) {
      for await (const line of client.jobs.log(id, { after: options.after, signal: stop.signal })) {
        process.stdout.write(`${line.text}\n`);
        if (!options.follow && line.line >= log_lines) {
          break;
        }
      }
    }
  } catch (error) {
    if (stop.signal.aborted) {
      return EXIT_INTERRUPTED;
    }
    throw error;
  } finally {
    process.removeListener('SIGINT', interrupt);
    stop.abort();
  }
  return options.follow && (await client.jobs.get(id)).state !== 'succeeded' ? 1 : 0;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) {
    throw new InvalidArgumentError('it has to be a whole number');
  }
  return number;
}
