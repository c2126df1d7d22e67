/**
 * The port to the records of jobs: the job itself, its append-only list of snapshots, its steps and its log.
 * The engine decides; this only keeps, and refuses what is stale.
 */

import type { Checkpoint, CheckpointProgress } from '../contract/checkpoints.ts';
import type { KeyValue } from '../contract/common.ts';
import type { Change, OpenShell, Verdict } from '../contract/customizations.ts';
import type { Image } from '../contract/images.ts';
import type { InspectionReport } from '../contract/inspections.ts';
import type { Job, JobReason, JobState, JobStatus, LogLine } from '../contract/jobs.ts';
import type { ObjectAddress } from '../features/objects/store.ts';
import type { Page, PageQuery } from '../ports/page.ts';

/** What was asked for; never changes after the job is created. */
export type JobRequest = Pick<
  Job,
  | 'id'
  | 'created'
  | 'job_type'
  | 'artifact_id'
  | 'image_root_archive_name'
  | 'public_key_id'
  | 'enable_debug'
  | 'build_env_size'
  | 'job_mem_size'
  | 'kernel_file_name'
  | 'initrd_file_name'
  | 'kernel_parameters_file_name'
  | 'require_dkms'
  | 'node'
  | 'node_labels'
  | 'arch'
>;

/** One snapshot of where a job stands. The list of them is append-only; the last one counts. */
export interface JobSnapshot {
  /** Counts from 1 per job; an action names the snapshot that it believes to be the last one. */
  readonly sequence: number;
  readonly state: JobState;
  readonly at: string;
  /** Attempt that a runner is working on; 0 before the first one. */
  readonly attempt: number;
  readonly reason: JobReason | null;
  readonly resultantImageId: string | null;
}

/** What clients of the reference's wire say about a job; the engine keeps it and does not act on it. */
export interface WireNotes {
  /** The shell that was asked for. */
  readonly sshContainer: { readonly name: string; readonly jail: boolean } | null;
  /** What a client said last, and the sequence of the snapshot that it said it about. */
  readonly status: JobStatus | null;
  readonly resultantImageId: string | null;
  readonly saidAt: number;
  /** A client deleted the job while a runner was at work: it goes when the runner is gone. */
  readonly removed: boolean;
}

export const NO_WIRE_NOTES: WireNotes = {
  sshContainer: null,
  status: null,
  resultantImageId: null,
  saidAt: 0,
  removed: false,
};

export interface StoredJob {
  readonly request: JobRequest;
  readonly snapshot: JobSnapshot;
  readonly steps: Job['steps'];
  readonly started: string | null;
  readonly finished: string | null;
  readonly heartbeat: string | null;
  readonly logLines: number;
  /** Image id that is reserved for the result. */
  readonly reservedImageId: string;
  /** SHA-256 of the token of the attempt in progress, hexadecimal; null when none is. */
  readonly tokenHash: string | null;
  /** What the executor needs to find the runner again after a restart; opaque to the engine. */
  readonly execution: string | null;
  /** Name of the build node that it runs or ran on; null for the machine of the service. */
  readonly place: string | null;
  readonly wire: WireNotes;
  /** What an inspection is to look at; null for all other jobs. */
  readonly inspection: InspectionNotes | null;
  /** What a customize job does. */
  readonly customization: Customization;
  /** The shell as it was told of last, and what people want of it. */
  readonly shell: ShellNotes;
  readonly retry: RetryNotes;
}

/** What is kept of a job, and what it goes on with itself. */
export interface RetryNotes {
  readonly checkpoint: Checkpoint | null;
  readonly of: string | null;
  /** The checkpoint of that job; null to start over. */
  readonly resume: CheckpointProgress | null;
  /** The build node that has that checkpoint; null for the machine of the service. */
  readonly place: string | null;
}

export interface Customization {
  readonly changes: readonly Change[];
  /** What the image had when the job was made, should it be gone when the job is done. */
  readonly metadata: Image['metadata'];
  /** Of the secrets that were given; the values are apart. */
  readonly secretNames: readonly string[];
  /** The shell that is opened when all changes are made, or when a build fails. */
  readonly shell: { readonly name: string; readonly jail: boolean } | null;
}

export interface ShellNotes {
  readonly open: OpenShell | null;
  readonly verdict: Verdict | null;
  readonly extendedSeconds: number;
  /** How often somebody asked for a checkpoint. */
  readonly checkpoints: number;
}

export const NO_CUSTOMIZATION: Customization = {
  changes: [],
  metadata: {},
  secretNames: [],
  shell: null,
};
export const NO_SHELL: ShellNotes = { open: null, verdict: null, extendedSeconds: 0, checkpoints: 0 };

export const NO_RETRY: RetryNotes = { checkpoint: null, of: null, resume: null, place: null };

export interface InspectionNotes {
  readonly schemaOnly: boolean;
  readonly plan: boolean;
  readonly values: readonly KeyValue[];
  /** The archive that was uploaded for it and goes when it ends; null: that of the recipe. */
  readonly archive: ObjectAddress | null;
}

/** Lists of jobs for clients. */
export interface JobPages {
  list(): Promise<StoredJob[]>;
  /** The name of a job is that of its image. */
  page(query: PageQuery): Promise<Page<StoredJob>>;
}

export interface JobStore {
  list(): Promise<StoredJob[]>;
  find(id: string): Promise<StoredJob | undefined>;
  /** With its first snapshot (`queued`, sequence 1). */
  insert(job: StoredJob): Promise<void>;
  /**
   * Appends a snapshot if `expected` is still the last one; false, and nothing changed, when it is not. Sets
   * started and finished from the states, tokenHash, execution and place when they are given.
   */
  advance(
    id: string,
    expected: number,
    next: Omit<JobSnapshot, 'sequence'>,
    also?: { tokenHash?: string | null; execution?: string | null; place?: string | null },
  ): Promise<boolean>;
  setExecution(id: string, execution: string): Promise<void>;
  setHeartbeat(id: string, at: string): Promise<void>;
  setSteps(id: string, steps: Job['steps']): Promise<void>;
  setWire(id: string, wire: WireNotes): Promise<void>;
  setShell(id: string, shell: ShellNotes): Promise<void>;
  setRetry(id: string, retry: RetryNotes): Promise<void>;
  /** Sealed; they go when the job is over. */
  setSecrets(id: string, sealed: string): Promise<void>;
  /** Undefined when it was given none, or is over. */
  secrets(id: string): Promise<string | undefined>;
  /** Appends lines whose numbers follow on what is stored; lines that are there already are ignored. */
  appendLog(id: string, lines: readonly LogLine[]): Promise<void>;
  /** Lines after number `after` (0 for all), at most `limit` of them. */
  readLog(id: string, after: number, limit: number): Promise<LogLine[]>;
  snapshots(id: string): Promise<JobSnapshot[]>;
  /** What an inspection found; written once. */
  setReport(id: string, report: InspectionReport): Promise<void>;
  /** Undefined while there is none. */
  report(id: string): Promise<InspectionReport | undefined>;
  /** Job, snapshots, steps, log and report. */
  delete(id: string): Promise<boolean>;
  /** Jobs in one of these states, oldest first. */
  inStates(states: readonly JobState[]): Promise<StoredJob[]>;
}
