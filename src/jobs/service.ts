/**
 * What clients do with jobs: create, look at, cancel and delete them. A new job is only queued here; the
 * supervisor has it run.
 */
import type { Architecture } from '../contract/common.ts';
import type { Secrets } from '../contract/customizations.ts';
import { KilnError } from '../contract/errors.ts';
import type { Image } from '../contract/images.ts';
import type { Job, JobCreate, LogLine } from '../contract/jobs.ts';
import type { ListQuery } from '../contract/listing.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import { type Listed, type ListFilters, listed } from '../features/requests/index.ts';
import { timestamp } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Sealer } from '../platform/seal.ts';
import type { JobRecords } from '../ports/records.ts';
import { addressOf } from './addresses.ts';
import { archivesOf, checkShell, customizationOf, shellOf } from './customizations.ts';
import { announceEnd, endWithin, type JobContext } from './ending.ts';
import { presentJob } from './present.ts';
import { reasonFor } from './reasons.ts';
import { deleteWithRecord } from './record.ts';
import { isOver, pendingSteps } from './states.ts';
import {
  type Customization,
  type JobPages,
  type JobRequest,
  NO_CUSTOMIZATION,
  NO_RETRY,
  NO_SHELL,
  NO_WIRE_NOTES,
  type StoredJob,
  type WireNotes,
} from './store.ts';

export interface JobServiceDeps extends JobContext {
  /** The same jobs as in the records, a page at a time. */
  readonly pages: JobPages;
  readonly ids: Ids;
  readonly objects: Pick<ObjectStore, 'head'>;
  /** Seals the secrets of jobs. */
  readonly sealer: Sealer;
  /** Limits of a job that names none, in GiB. */
  readonly defaults: { readonly diskGib: number; readonly memoryGib: number };
}

export interface NewJobOptions extends Partial<Pick<WireNotes, 'sshContainer'>> {
  /** Chosen before, when the request may come again. */
  readonly id?: string;
}

export interface JobService {
  /** Throws `recipe-not-found`, `recipe-without-archive` and the others of a job that could never run. */
  create(input: JobCreate, options?: NewJobOptions): Promise<Job>;
  /** Those that the query asks for; all of them unless it does. */
  page(query: ListQuery, filters: ListFilters): Promise<Listed<Job>>;
  list(): Promise<Job[]>;
  /** Throws `job-not-found`, as do all that take an id. */
  get(id: string): Promise<Job>;
  /** A queued job ends at once; another one is told to stop and ends soon. Throws `job-is-over`. */
  cancel(id: string): Promise<Job>;
  /** Forgets a job that is over; its image stays. Throws `job-is-running`. */
  delete(id: string): Promise<void>;
  /** Lines after number `after`, at most `limit` of them. */
  readLog(id: string, after: number, limit: number): Promise<LogLine[]>;
}

export function createJobService(deps: JobServiceDeps): JobService {
  const { records, changes, clock, log } = deps;

  return {
    async create(input, { id = deps.ids.id(), ...wire } = {}) {
      const customization = customizationOf(input, wire.sshContainer ?? null);
      checkShell(input, customization);
      await checkArchives(deps.objects, customization);
      const job = await records.transaction(async (transaction) => {
        const target = await checkInput(transaction, input, deps);
        const job: StoredJob = {
          ...newJob(deps, id, input, target, customization),
          wire: { ...NO_WIRE_NOTES, ...wire },
        };
        await insertBuild(transaction, deps, job, input.secrets);
        return job;
      });
      log.info({ job: job.request.id, artifact: input.artifact_id }, 'job created');
      changes.notify({ jobId: job.request.id, kind: 'state' });
      return presentJob(job);
    },

    async page(query, filters) {
      const { records: found, nextCursor } = await listed(deps.pages, query, filters);
      return { records: found.map(presentJob), nextCursor };
    },

    async list() {
      return (await records.jobs.list()).map(presentJob);
    },

    async get(id) {
      return presentJob(await mustFind(records, id));
    },

    async cancel(id) {
      const at = timestamp(clock.now());
      const ended = await records.transaction(async (transaction) => {
        const job = await mustFind(transaction, id);
        const { state, sequence, attempt } = job.snapshot;
        if (isOver(state)) {
          throw new KilnError('job-is-over', `job ${id} is over: ${state}`);
        }
        if (state === 'queued') {
          const reason = reasonFor('job-cancelled', 'The job was cancelled before it was started', job);
          return endWithin(transaction, job, { state: 'cancelled', reason }, at);
        }
        if (state !== 'cancelling') {
          const next = { state: 'cancelling', at, attempt, reason: null, resultantImageId: null } as const;
          await transaction.jobs.advance(id, sequence, next);
        }
        return false;
      });
      log.info({ job: id }, 'job is to be cancelled');
      if (ended) {
        announceEnd(deps, id);
      } else {
        changes.notify({ jobId: id, kind: 'state' });
      }
      return presentJob(await mustFind(records, id));
    },

    async delete(id) {
      await records.transaction(async (transaction) => {
        const job = await mustFind(transaction, id);
        if (!isOver(job.snapshot.state)) {
          throw new KilnError('job-is-running', `job ${id} is ${job.snapshot.state}`);
        }
        await deleteWithRecord(transaction, id);
      });
      changes.notify({ jobId: id, kind: 'deleted' });
      await deps.cleanObjects();
    },

    async readLog(id, after, limit) {
      await mustFind(records, id);
      return records.jobs.readLog(id, after, limit);
    },
  };
}

/** Should the job end without an image, its uploads are deleted. */
export async function insertBuild(
  transaction: JobRecords,
  { ids, sealer }: Pick<JobServiceDeps, 'ids' | 'sealer'>,
  job: StoredJob,
  secrets: Secrets = {},
): Promise<void> {
  await transaction.jobs.insert(job);
  if (Object.keys(secrets).length > 0) {
    await transaction.jobs.setSecrets(job.request.id, sealer.seal(JSON.stringify(secrets)));
  }
  if (job.request.job_type === 'import') {
    // What is uploaded belongs to the image, which is there already.
    return;
  }
  await transaction.cleanup.insert({
    id: ids.id(),
    bucket: 'boot-images',
    keyPrefix: `${job.reservedImageId}/`,
    reason: 'the job ended without an image',
    jobId: job.request.id,
  });
}

export async function mustFind(records: JobRecords, id: string): Promise<StoredJob> {
  const job = await records.jobs.find(id);
  if (job === undefined) {
    throw new KilnError('job-not-found', `there is no job ${id}`);
  }
  return job;
}

/** What the job leads to, as far as its source says. */
interface Target {
  readonly imageId: string;
  readonly arch: Architecture;
  readonly requireDkms: boolean;
  readonly metadata?: Image['metadata'];
}

/** Refuses what could only fail later. */
async function checkInput(records: JobRecords, input: JobCreate, deps: JobServiceDeps): Promise<Target> {
  const check = { create: checkRecipe, customize: checkImage, import: checkRoot }[input.job_type];
  const target = await check(records, input.artifact_id, deps);
  const key = input.public_key_id ?? null;
  if (key !== null && (await records.publicKeys.find(key)) === undefined) {
    throw new KilnError('public-key-not-found', `there is no public key ${key}`);
  }
  return target;
}

async function checkArchives(
  objects: Pick<ObjectStore, 'head'>,
  customization: Pick<Customization, 'changes'>,
): Promise<void> {
  for (const path of archivesOf(customization)) {
    if ((await objects.head(addressOf(path))) === undefined) {
      throw new KilnError('object-not-found', `there is no object ${path}`);
    }
  }
}

async function checkRecipe(records: JobRecords, id: string, deps: JobServiceDeps): Promise<Target> {
  const recipe = await records.recipes.find(id);
  if (recipe === undefined) {
    throw new KilnError('recipe-not-found', `there is no recipe ${id}`);
  }
  if (recipe.recipe_type !== 'kiwi-ng') {
    throw new KilnError('recipe-type-not-supported', `"${recipe.name}" is a ${recipe.recipe_type} recipe`);
  }
  if (recipe.link === null) {
    throw new KilnError('recipe-without-archive', `"${recipe.name}" has no archive`);
  }
  return { imageId: deps.ids.id(), arch: recipe.arch, requireDkms: recipe.require_dkms };
}

async function checkImage(records: JobRecords, id: string, deps: JobServiceDeps): Promise<Target> {
  const image = await records.images.find(id);
  if (image === undefined) {
    throw new KilnError('image-not-found', `there is no image ${id}`);
  }
  if (image.link === null) {
    throw new KilnError('image-without-manifest', `"${image.name}" has no manifest`);
  }
  const { arch, metadata } = image;
  return { imageId: deps.ids.id(), arch, requireDkms: true, metadata };
}

/** An import gives an image that is registered already what it is made of. */
async function checkRoot(records: JobRecords, id: string): Promise<Target> {
  const image = await records.images.find(id);
  if (image === undefined) {
    throw new KilnError('image-not-found', `there is no image ${id}`);
  }
  if (image.link !== null) {
    throw new KilnError('link-is-set', `image ${id} has its manifest at ${image.link.path}`);
  }
  return { imageId: id, arch: image.arch, requireDkms: false };
}

/** A queued job; what the input does not say is as the settings have it. */
export function newJob(
  deps: Pick<JobServiceDeps, 'clock' | 'defaults'>,
  id: string,
  input: Omit<JobCreate, 'job_type'> & Pick<Job, 'job_type'>,
  target: Target,
  customization: Customization = NO_CUSTOMIZATION,
): StoredJob {
  const created = timestamp(deps.clock.now());
  const request: JobRequest = {
    id,
    created,
    job_type: input.job_type,
    artifact_id: input.artifact_id,
    image_root_archive_name: input.image_root_archive_name,
    public_key_id: input.public_key_id ?? null,
    enable_debug: input.enable_debug ?? false,
    build_env_size: input.build_env_size ?? deps.defaults.diskGib,
    job_mem_size: input.job_mem_size ?? deps.defaults.memoryGib,
    kernel_file_name: input.kernel_file_name ?? null,
    initrd_file_name: input.initrd_file_name ?? null,
    kernel_parameters_file_name: input.kernel_parameters_file_name ?? 'kernel-parameters',
    require_dkms: input.require_dkms ?? target.requireDkms,
    node: input.node ?? null,
    node_labels: input.node_labels ?? {},
    arch: target.arch,
  };
  return {
    request,
    snapshot: {
      sequence: 1,
      state: 'queued',
      at: created,
      attempt: 0,
      reason: null,
      resultantImageId: null,
    },
    steps: pendingSteps(input.job_type, shellOf(request, customization) !== null),
    started: null,
    finished: null,
    heartbeat: null,
    logLines: 0,
    reservedImageId: target.imageId,
    tokenHash: null,
    execution: null,
    place: null,
    wire: NO_WIRE_NOTES,
    inspection: null,
    customization: {
      ...customization,
      ...(target.metadata === undefined ? {} : { metadata: target.metadata }),
    },
    shell: NO_SHELL,
    retry: NO_RETRY,
  };
}
