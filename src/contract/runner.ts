/**
 * What the control plane and a runner say to each other: the job document that a runner starts with, and the
 * reports that it sends. The token and the signed addresses in the document are good for this one job.
 */
import { type Static, Type } from 'typebox';
import { Checkpoint, CheckpointProgress } from './checkpoints.ts';
import { ArchitectureSchema, Id, KeyValue, named, orNull, Timestamp } from './common.ts';
import { Change, OpenShell, Secrets, VERDICTS } from './customizations.ts';
import { ManifestArtifact } from './images.ts';
import { InspectionReport } from './inspections.ts';
import { JobProgress, JobReason, STEP_STATES } from './jobs.ts';

const Upload = Type.Object({
  url: Type.String({ description: 'Address for one PUT of the whole object' }),
  path: Type.String({ description: 'Where the object then is: s3://BUCKET/KEY' }),
});

/** What a runner fetches. */
const FetchedObject = {
  url: Type.String({ description: 'Signed address' }),
  size_bytes: Type.Integer(),
  md5: orNull(Type.String(), 'MD5 that it has to have; null when nobody said it'),
  sha256: orNull(Type.String(), 'SHA-256 that it has to have; null when nobody said it'),
};

export const JobDocument = Type.Object({
  version: Type.Literal(1),
  job_id: Id('The job'),
  /** Which attempt at the job this is; every report carries it, and a stale one is refused (fencing). */
  attempt: Type.Integer({ minimum: 1 }),
  image_name: Type.String(),
  arch: ArchitectureSchema,
  enable_debug: Type.Boolean(),
  require_dkms: Type.Boolean(),
  kernel_file_name: orNull(Type.String(), 'Kernel in /boot'),
  initrd_file_name: orNull(Type.String(), 'Initrd in /boot'),
  kernel_parameters_file_name: Type.String(),
  api: Type.Object({
    url: Type.String({ description: 'Base address of the service, without a path' }),
    socket: orNull(Type.String(), 'Unix socket by which the service is reached; null for the network'),
    token: Type.String({ description: 'Bearer token for the reports of this job' }),
    /** How long the runner goes on without hearing from the service before it gives up. */
    grace_seconds: Type.Integer({ minimum: 1 }),
  }),
  /** Which steps are to be done. */
  job_type: Type.Enum(['create', 'customize', 'import', 'inspect']),
  /** What is asked for, when the job is an inspection. */
  inspection: Type.Optional(
    Type.Object({
      schema_only: Type.Boolean(),
      plan: Type.Boolean(),
      /** The list of packages of the last image of the recipe; null when there is none. */
      previous: orNull(
        Type.Object({
          image_id: Id('The image'),
          url: Type.String({ description: 'Signed address of its list' }),
        }),
        'The last image',
      ),
    }),
  ),
  /** What a customize job does to the image. */
  changes: Type.Array(Change),
  secrets: Secrets,
  /** Of all that were given for the changes; one that goes on after the changes may not have them any more. */
  secret_names: Type.Array(Type.String()),
  /** Archives of playbooks that the changes name, in the object store. */
  archives: Type.Array(
    Type.Object({ path: Type.String({ description: 'As the change names it' }), ...FetchedObject }),
  ),
  shell: orNull(
    Type.Object({
      name: Type.String(),
      jail: Type.Boolean(),
      authorized_keys: Type.String({ description: 'Lines as authorized_keys has them' }),
      host: Type.String({ description: 'What clients are told to connect to' }),
      door: Type.Union([
        Type.Object({
          listen: Type.String({ description: 'Address of this host to listen on' }),
          first_port: Type.Integer(),
          last_port: Type.Integer(),
        }),
        Type.Object({
          socket: Type.String({
            description: 'Unix socket to listen on, where connections say whose they are',
          }),
          port: Type.Integer({ description: 'Port by which clients come there' }),
        }),
      ]),
      idle_seconds: Type.Integer({ minimum: 1 }),
      total_seconds: Type.Integer({ minimum: 1 }),
    }),
    'The shell that the job opens',
  ),
  /** Where the record of the shell goes while the job goes on; recordings by their numbers, the first is 1. */
  record: orNull(
    Type.Object({ sessions: Upload, recordings: Type.Array(Upload) }),
    'The record of the shell; null without one',
  ),
  /** The job whose checkpoint is gone on with; its disk becomes that of this one. */
  resume: orNull(
    Type.Object({ job_id: Id('The job that failed'), ...CheckpointProgress.properties }),
    'The checkpoint to go on with',
  ),
  /** What the cache of images may hold, in bytes. */
  image_cache_bytes: Type.Integer({ minimum: 0 }),
  /** What the job starts from: the archive of a recipe, or of a root file system. */
  source: Type.Object({
    id: Id('The recipe or image'),
    name: Type.String(),
    ...FetchedObject,
    template_dictionary: Type.Array(KeyValue),
    /** Signed address of how the image that is customized came to be; null when it was not customized itself. */
    history: orNull(Type.String(), 'Signed address of a history'),
    /** Whether an image that is customized was made here, and its programs looked at then. */
    is_checked: Type.Boolean(),
  }),
  node: orNull(Type.String(), 'The build node that the job runs on; null on the machine of the service'),
  image: Type.Object({
    id: Id('The image that results; its record is made when the job completes'),
    uploads: Type.Object({
      rootfs: Upload,
      kernel: Upload,
      initrd: Upload,
      boot_parameters: Upload,
      manifest: Upload,
      packages: Upload,
      history: Upload,
      /** By their numbers, the first is 1. */
      recordings: Type.Array(Upload),
    }),
  }),
  /** The squashfs of the builder root on this host, ids shifted for the sandbox. */
  builder_root: Type.Object({ digest: Type.String(), path: Type.String() }),
  /** Folder of this job alone; the runner keeps everything below it and removes it at the end. */
  workspace: Type.String(),
  /** Folder of packages and layers that jobs share. */
  cache: Type.String(),
  limits: Type.Object({
    disk_bytes: Type.Integer({ minimum: 1 }),
    memory_bytes: Type.Integer({ minimum: 1 }),
    cpus: Type.Number({ exclusiveMinimum: 0 }),
    pids: Type.Integer({ minimum: 1 }),
    recipe_bytes: Type.Integer({ minimum: 1 }),
    recipe_entries: Type.Integer({ minimum: 1 }),
    log_bytes: Type.Integer({ minimum: 1 }),
  }),
  /** Seconds that each step may take, by step name; `default` for the others. */
  deadlines: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
  /** How long repositories may take to appear, in seconds. */
  repository_wait_seconds: Type.Integer({ minimum: 0 }),
  squashfs_zstd_level: Type.Integer({ minimum: 1, maximum: 22 }),
  /** OpenPGP keys that packages and repositories are verified with. */
  signing_keys: Type.Array(
    Type.Object({ name: Type.String(), fingerprint: Type.String(), public_key: Type.String() }),
  ),
  /** Where builds find packages under the platform's own names; null when nobody serves any. */
  packages: orNull(
    Type.Object({
      names: Type.Array(Type.String()),
      /** Armored key that signs the metadata of repositories which the service serves; null for none. */
      signing_key: orNull(Type.String(), 'OpenPGP key'),
      /** Address of the server; null: the service itself serves them, through the connection of the runner. */
      address: orNull(Type.String(), 'IP address'),
    }),
    'Package server',
  ),
  /** PEM certificates of the platform that builds and images trust. */
  trusted_certificates: Type.Array(Type.String()),
  /** PEM certificates that the runner trusts besides, when it fetches from the object store. */
  store_certificates: Type.Array(Type.String()),
});
export type JobDocument = Static<typeof JobDocument>;

/** The job as far as its steps are concerned, sent with the first report. */
export const StepReport = Type.Object(
  {
    name: Type.String({ description: 'Name of the step' }),
    state: Type.Enum([...STEP_STATES], { description: 'Where the step stands now' }),
    at: Timestamp('When that came to be'),
    progress: Type.Optional(JobProgress),
    note: Type.Optional(Type.String({ description: 'What the step has to say about its result' })),
  },
  { additionalProperties: false, description: 'A change of one step' },
);
export type StepReport = Static<typeof StepReport>;

export const RunnerReport = named(
  'RunnerReport',
  Type.Object(
    {
      attempt: Type.Integer({ minimum: 1, description: 'Attempt of the job document' }),
      steps: Type.Array(StepReport, { description: 'Changes since the last report, oldest first' }),
      log: Type.Array(
        Type.Object(
          {
            line: Type.Integer({
              minimum: 1,
              description: 'Number of the line, counted from 1 without gaps',
            }),
            at: Timestamp('When the line was written'),
            step: Type.String({ description: 'Step that wrote the line' }),
            text: Type.String({ description: 'The line, without its end' }),
          },
          { additionalProperties: false },
        ),
        {
          description:
            'New lines; lines that the service already has are ignored, so a report may be repeated',
        },
      ),
      failure: Type.Optional(JobReason),
      shell: Type.Optional(OpenShell),
      checkpoint: Type.Optional(Checkpoint),
    },
    { additionalProperties: false, description: 'A sign of life of a runner, with all that is new' },
  ),
);
export type RunnerReport = Static<typeof RunnerReport>;

export const RunnerReply = named(
  'RunnerReply',
  Type.Object(
    {
      cancel: Type.Boolean({ description: 'Whether the runner must stop and clean up now' }),
      verdict: Type.Optional(Type.Enum([...VERDICTS], { description: 'Somebody ended the shell, and how' })),
      checkpoints: Type.Optional(
        Type.Integer({ minimum: 0, description: 'How often somebody asked that what was done is kept' }),
      ),
      extended_seconds: Type.Optional(
        Type.Integer({ minimum: 0, description: 'What was added to the time of the shell so far' }),
      ),
    },
    { additionalProperties: false, description: 'What the service answers to a report' },
  ),
);
export type RunnerReply = Static<typeof RunnerReply>;

export const RunnerCompletion = named(
  'RunnerCompletion',
  Type.Object(
    {
      attempt: Type.Integer({ minimum: 1, description: 'Attempt of the job document' }),
      artifacts: Type.Array(ManifestArtifact, { description: 'The artifacts, uploaded and verified' }),
      packages: Type.Integer({ minimum: 0, description: 'How many packages the image holds' }),
    },
    { additionalProperties: false, description: 'The job is done; the image can be registered' },
  ),
);
export type RunnerCompletion = Static<typeof RunnerCompletion>;

export const RunnerInspection = named(
  'RunnerInspection',
  Type.Object(
    {
      attempt: Type.Integer({ minimum: 1, description: 'Attempt of the job document' }),
      report: InspectionReport,
    },
    { additionalProperties: false, description: 'The inspection is done' },
  ),
);
export type RunnerInspection = Static<typeof RunnerInspection>;
