/** `kiln jobs create`: what is asked for, as typed. */
import { type Command, Option } from 'commander';
import { KilnError } from '../contract/errors.ts';
import type { Job, JobCreate } from '../contract/jobs.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';
import { type SshContainerFlags, sshContainersOf, withSshContainerFlags } from './ssh-containers.ts';
import { booleanOf, pairOf, wholeNumberFrom } from './values.ts';

export interface CreateFlags extends CommonOptions, SshContainerFlags {
  jobType: JobCreate['job_type'];
  artifactId?: string;
  recipe?: string;
  imageRootArchiveName?: string;
  publicKeyId?: string;
  buildEnvSize?: number;
  jobMemSize?: number;
  kernelFileName?: string;
  initrdFileName?: string;
  kernelParametersFileName?: string;
  enableDebug?: string | boolean;
  requireDkms?: string | boolean;
  node?: string;
  nodeLabel: string[];
  watch?: boolean;
}

/** `onCreated` shows the job, or stays until it is over. */
export function addCreate(
  jobs: Command,
  onCreated: (job: Job, context: CommandContext, flags: CreateFlags) => Promise<void>,
): void {
  const gib = wholeNumberFrom(1);
  withSshContainerFlags(withCommonOptions(jobs.command('create')))
    .description('build an image from a recipe')
    .option('--artifact-id <id>', 'recipe to build from')
    .addOption(
      new Option('--recipe <name>', 'the same by name; of several the newest').conflicts('artifactId'),
    )
    .option(
      '--image-root-archive-name <name>',
      'name of the image that results; with --recipe that of the recipe',
    )
    .addOption(
      new Option('--job-type <type>', 'create: recipe to image; customize: image to image')
        .choices(['create', 'customize'])
        .default('create'),
    )
    .option('--public-key-id <id>', 'key that opens the shell of the job')
    .option('--build-env-size <gib>', 'disk space that the job may fill, in GiB', gib)
    .option('--job-mem-size <gib>', 'memory that the job may use, in GiB', gib)
    .option('--kernel-file-name <name>', 'kernel in /boot of the image; the newest one unless given')
    .option('--initrd-file-name <name>', 'initrd in /boot; the one of the kernel unless given')
    .option('--kernel-parameters-file-name <name>', 'file in /boot with boot parameters')
    .option(
      '--enable-debug [boolean]',
      'write more into the log, and open a shell beside a build that failed',
    )
    .option(
      '--require-dkms [boolean]',
      'whether kernel modules are compiled; as the recipe says unless given',
    )
    .option('--node <xname>', 'build node that has to run it')
    .option(
      '--node-label <name=value>',
      'label that the build node has to have; may be repeated',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option('--watch', 'stay until the job is over; exit code 0 only when it made the image')
    .addHelpText(
      'after',
      `
Ctrl-C stops the watching, not the job. With --watch and --format the steps go to standard error and the job, once
it is over, to standard output.
Examples:
  kiln jobs create --recipe compute --watch
  kiln jobs create --artifact-id 7d1f… --image-root-archive-name compute-1.4 --build-env-size 40`,
    )
    .action(async (flags: CreateFlags) => {
      const context = contextOf(flags);
      const job = await context.client.jobs.create(await requestOf(flags, context));
      await onCreated(job, context, flags);
    });
}

async function requestOf(flags: CreateFlags, context: CommandContext): Promise<JobCreate> {
  const source = await sourceOf(flags, context);
  const image_root_archive_name = flags.imageRootArchiveName ?? source.name;
  if (image_root_archive_name === undefined) {
    throw new UsageError('--image-root-archive-name is missing');
  }
  const [shell, another] = sshContainersOf(flags) ?? [];
  if (another !== undefined) {
    throw new UsageError('a job has one shell at most');
  }
  return {
    job_type: flags.jobType,
    artifact_id: source.id,
    image_root_archive_name,
    ...(flags.publicKeyId === undefined ? {} : { public_key_id: flags.publicKeyId }),
    ...(flags.buildEnvSize === undefined ? {} : { build_env_size: flags.buildEnvSize }),
    ...(flags.jobMemSize === undefined ? {} : { job_mem_size: flags.jobMemSize }),
    ...(flags.kernelFileName === undefined ? {} : { kernel_file_name: flags.kernelFileName }),
    ...(flags.initrdFileName === undefined ? {} : { initrd_file_name: flags.initrdFileName }),
    ...(flags.kernelParametersFileName === undefined
      ? {}
      : { kernel_parameters_file_name: flags.kernelParametersFileName }),
    ...(flags.enableDebug === undefined
      ? {}
      : { enable_debug: booleanOf('--enable-debug', flags.enableDebug) }),
    ...(flags.requireDkms === undefined
      ? {}
      : { require_dkms: booleanOf('--require-dkms', flags.requireDkms) }),
    ...(shell === undefined ? {} : { shell }),
    ...(flags.node === undefined ? {} : { node: flags.node }),
    ...(flags.nodeLabel.length === 0
      ? {}
      : { node_labels: Object.fromEntries(flags.nodeLabel.map((text) => pairOf('--node-label', text))) }),
  };
}

async function sourceOf(flags: CreateFlags, context: CommandContext): Promise<{ id: string; name?: string }> {
  if (flags.artifactId !== undefined) {
    return { id: flags.artifactId };
  }
  if (flags.recipe === undefined) {
    throw new UsageError('say what to build from, with --artifact-id or --recipe');
  }
  const named = (await context.client.recipes.list()).filter((recipe) => recipe.name === flags.recipe);
  const newest = named.reduce((a, b) => (a === undefined || b.created >= a.created ? b : a), named[0]);
  if (newest === undefined) {
    throw new KilnError('recipe-not-found', `there is no recipe named ${flags.recipe}`);
  }
  if (named.length > 1) {
    context.say(`of ${named.length} recipes named ${newest.name} this is the newest: ${newest.id}`);
  }
  return newest;
}
