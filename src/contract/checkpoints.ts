/** What is kept of a job that failed, and how another one goes on with it. */
import { type Static, Type } from 'typebox';
import { named, Timestamp } from './common.ts';
import { Secrets } from './customizations.ts';

/** `changes`: some changes are made. `shell`: all are, and perhaps more in the shell. `root`: the root is finished. */
const CHECKPOINT_STAGES = ['changes', 'shell', 'root'] as const;

const progress = {
  stage: Type.Enum([...CHECKPOINT_STAGES], {
    description: 'changes: some changes are made; shell: all of them are; root: the root is finished',
  }),
  changes: Type.Integer({ minimum: 0, description: 'How many changes are made' }),
};

/** How far a job had come. */
export const CheckpointProgress = Type.Object(progress, { additionalProperties: false });
export type CheckpointProgress = Static<typeof CheckpointProgress>;

export const Checkpoint = named(
  'Checkpoint',
  Type.Object(
    { ...progress, at: Timestamp('When it was made') },
    { additionalProperties: false, description: 'What is kept of the work of a job, should it fail' },
  ),
);
export type Checkpoint = Static<typeof Checkpoint>;

export const JobRetry = named(
  'JobRetry',
  Type.Object(
    {
      from: Type.Optional(
        Type.String({
          description:
            'Step to go on with, as the steps of the job are named; after the last checkpoint unless given',
        }),
      ),
      secrets: Type.Optional(Secrets),
      build_env_size: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 65_536,
          description: 'Disk space that the job may fill, in GiB; more than before, or the same unless given',
        }),
      ),
    },
    { additionalProperties: false, description: 'Another try at a job that failed' },
  ),
);
export type JobRetry = Static<typeof JobRetry>;

/** In the folder of a job: says that its disk is to be kept, and how far the work on it is (JSON, `Checkpoint`). */
export const CHECKPOINT_NOTE = 'checkpoint.json';
/** In the folder of a job: the disk of its workspace. */
export const WORKSPACE_DISK = 'disk.img';
