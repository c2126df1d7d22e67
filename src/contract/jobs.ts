/** Jobs as clients see them: what was asked for, which step it is at, and why it ended as it did. */
import { type Static, Type } from 'typebox';
import { Checkpoint } from './checkpoints.ts';
import { ArchitectureSchema, Id, named, orNull, Timestamp } from './common.ts';
import { Change, JobShell, Secrets, ShellRequest } from './customizations.ts';
import { Labels } from './nodes.ts';
import { ProblemItem } from './problem.ts';

/** The reference's status words, in the order in which a create job passes through them. */
export const JOB_STATUSES = [
  'creating',
  'fetching_recipe',
  'fetching_image',
  'waiting_for_repos',
  'building_image',
  'waiting_on_user',
  'packaging_artifacts',
  'success',
  'error',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** What the job engine knows about a job; `status` is derived from it and from the step in progress. */
export const JOB_STATES = [
  'queued',
  'starting',
  'running',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const STEP_STATES = ['pending', 'running', 'done', 'cached', 'skipped', 'failed'] as const;
export type StepState = (typeof STEP_STATES)[number];

export const JobProgress = named(
  'JobProgress',
  Type.Object(
    {
      done: Type.Number({ minimum: 0, description: 'How much is done' }),
      total: orNull(Type.Number({ minimum: 0 }), 'How much there is; null when nobody knows'),
      unit: Type.Enum(['bytes', 'packages', 'percent', 'items', 'seconds'], {
        description: 'What is counted',
      }),
      message: Type.Optional(Type.String({ description: 'What is being done right now' })),
    },
    { additionalProperties: false, description: 'How far a step has come' },
  ),
);
export type JobProgress = Static<typeof JobProgress>;

export const JobStep = named(
  'JobStep',
  Type.Object(
    {
      name: Type.String({ description: 'Stable name of the step' }),
      title: Type.String({ description: 'What the step does, for people' }),
      state: Type.Enum([...STEP_STATES], { description: 'Where the step stands' }),
      started: orNull(Timestamp('Start'), 'When the step began'),
      finished: orNull(Timestamp('End'), 'When the step ended'),
      progress: orNull(JobProgress, 'How far it has come, while it runs and knows'),
      note: orNull(Type.String(), 'What the step has to say about its result, in one line'),
      first_line: orNull(Type.Integer(), 'First line of the log that belongs to the step'),
    },
    { additionalProperties: false, description: 'One step of a job' },
  ),
);
export type JobStep = Static<typeof JobStep>;

export const JobReason = named(
  'JobReason',
  Type.Object(
    {
      code: Type.String({ description: 'Stable code of the error catalogue' }),
      title: Type.String({ description: 'What kind of failure this is' }),
      detail: Type.String({ description: 'What happened this time' }),
      hint: Type.String({ description: 'What to do about it' }),
      step: orNull(Type.String(), 'The step that failed; null when none was running'),
      command: Type.Optional(
        Type.String({ description: 'The command that failed, as a shell would be given it' }),
      ),
      errors: Type.Optional(Type.Array(ProblemItem, { description: 'The single things that are wrong' })),
    },
    { additionalProperties: false, description: 'Why a job ended without an image' },
  ),
);
export type JobReason = Static<typeof JobReason>;

const GiB = (description: string) =>
  Type.Integer({ minimum: 1, maximum: 65_536, description: `${description}, in GiB` });
const bootFile = (description: string) =>
  Type.String({ minLength: 1, pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]*$', description });

const JOB_TYPES = ['create', 'customize', 'import'] as const;

const fields = {
  artifact_id: Id('The recipe (create, inspect) or image (customize, import) to start from'),
  image_root_archive_name: Type.String({ minLength: 1, description: 'Name of the image that results' }),
  public_key_id: orNull(Id('A public key'), 'The key that opens the shell of the job'),
  enable_debug: Type.Boolean({ description: 'Write more into the log, and keep a failed build for a shell' }),
  build_env_size: GiB('Disk space that the job may fill'),
  job_mem_size: GiB('Memory that the job may use'),
  kernel_file_name: orNull(bootFile('A file'), 'Kernel in /boot; null: the newest one there'),
  initrd_file_name: orNull(bootFile('A file'), 'Initrd in /boot; null: the one that belongs to the kernel'),
  kernel_parameters_file_name: bootFile('File in /boot with boot parameters; published when it is there'),
  require_dkms: Type.Boolean({ description: 'Whether kernel modules are compiled during the job' }),
  node: orNull(Type.String(), 'The build node that was asked for; null for any machine that can run it'),
  node_labels: Labels,
  changes: Type.Array(Change, {
    maxItems: 100,
    description: 'What a customize job does to the image, in this order',
  }),
};

export const Job = named(
  'Job',
  Type.Object(
    {
      id: Id('Identifier of the job'),
      created: Timestamp('When the job was created'),
      job_type: Type.Enum([...JOB_TYPES, 'inspect'], {
        description:
          'create: recipe to image; customize: image to image; import: uploaded root to image; inspect: recipe to report',
      }),
      ...fields,
      arch: ArchitectureSchema,
      place: orNull(
        Type.String(),
        'The build node that it runs or ran on; null for the machine of the service, also as long as it is queued',
      ),
      status: Type.Enum([...JOB_STATUSES], { description: 'Status in the words of the reference service' }),
      state: Type.Enum([...JOB_STATES], { description: 'State of the job in the engine' }),
      started: orNull(Timestamp('Start'), 'When a runner took the job'),
      finished: orNull(Timestamp('End'), 'When the job ended'),
      heartbeat: orNull(Timestamp('Sign of life'), 'When the runner was last heard of'),
      steps: Type.Array(JobStep, { description: 'All steps of the job, in order' }),
      log_lines: Type.Integer({ minimum: 0, description: 'How many lines the log has by now' }),
      secret_names: Type.Array(Type.String(), { description: 'Names of the secrets that it was given' }),
      shell: orNull(JobShell, 'The shell of the job; null when it has none'),
      checkpoint: orNull(Checkpoint, 'What is kept of its work; null when there is nothing'),
      retry_of: orNull(Id('A job'), 'The job that this one goes on with; null when it is none'),
      reason: orNull(JobReason, 'Why the job failed; null unless it did'),
      resultant_image_id: orNull(Id('An image'), 'The image that the job made'),
    },
    { additionalProperties: false, description: 'A job: what was asked for, how far it is, how it ended' },
  ),
);
export type Job = Static<typeof Job>;

/** Whether programs of the image run in such a job; of a foreign one, they have to be emulated then. */
export function runsPrograms({ job_type }: Pick<Job, 'job_type'>): boolean {
  return job_type === 'create' || job_type === 'customize';
}

export const JobCreate = named(
  'JobCreate',
  Type.Object(
    {
      job_type: Type.Enum([...JOB_TYPES], {
        description: 'create: recipe to image; customize: image to image; import: uploaded root to image',
      }),
      artifact_id: fields.artifact_id,
      image_root_archive_name: fields.image_root_archive_name,
      public_key_id: Type.Optional(fields.public_key_id),
      enable_debug: Type.Optional(fields.enable_debug),
      build_env_size: Type.Optional(fields.build_env_size),
      job_mem_size: Type.Optional(fields.job_mem_size),
      kernel_file_name: Type.Optional(fields.kernel_file_name),
      initrd_file_name: Type.Optional(fields.initrd_file_name),
      kernel_parameters_file_name: Type.Optional(fields.kernel_parameters_file_name),
      require_dkms: Type.Optional(fields.require_dkms),
      node: Type.Optional(fields.node),
      node_labels: Type.Optional(fields.node_labels),
      changes: Type.Optional(fields.changes),
      secrets: Type.Optional(Secrets),
      shell: Type.Optional(
        orNull(
          ShellRequest,
          'The shell that a customize job opens; it has one when nothing is said and there are no changes',
        ),
      ),
    },
    { additionalProperties: false, description: 'A job to create' },
  ),
);
export type JobCreate = Static<typeof JobCreate>;

export const LogLine = named(
  'LogLine',
  Type.Object(
    {
      line: Type.Integer({ minimum: 1, description: 'Number of the line, counted from 1 without gaps' }),
      at: Timestamp('When the line was written'),
      step: Type.String({ description: 'Step that wrote the line' }),
      text: Type.String({ description: 'The line, without its end; secrets are masked' }),
    },
    { additionalProperties: false, description: 'One line of the log of a job' },
  ),
);
export type LogLine = Static<typeof LogLine>;
