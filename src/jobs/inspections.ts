/**
 * Inspections: jobs that look at a recipe, or at an archive that was uploaded for nothing else, and end with a report
 * instead of an image. Only the latest ones are kept; what was uploaded goes as soon as its job is over.
 */
import type { Readable } from 'node:stream';
import type { Architecture } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import type { InspectionCreate, InspectionReport } from '../contract/inspections.ts';
import type { Job } from '../contract/jobs.ts';
import type { ObjectAddress, ObjectStore } from '../features/objects/store.ts';
import type { JobRecords } from '../ports/records.ts';
import { presentJob } from './present.ts';
import { type JobServiceDeps, mustFind, newJob } from './service.ts';
import { isOver } from './states.ts';
import type { InspectionNotes, StoredJob } from './store.ts';

/** How many inspections that are over are kept. */
const KEPT = 50;
/** Owner of an upload whose job is still to come. */
const UPLOADING = 'inspection-upload:';
const DISK_GIB = 10;
const MEMORY_GIB = 2;

export interface InspectionServiceDeps extends Omit<JobServiceDeps, 'objects'> {
  readonly objects: ObjectStore;
  /** What an uploaded recipe is for when nothing is said. */
  readonly hostArchitecture: Architecture;
}

export type InspectionOptions = Omit<InspectionCreate, 'recipe_id'>;

export interface InspectionService {
  /** Throws `recipe-not-found`, `recipe-type-not-supported` or `recipe-without-archive`. */
  ofRecipe(input: InspectionCreate): Promise<Job>;
  /** Stores the archive, and has it inspected. Throws `checksum-mismatch`. */
  ofArchive(
    archive: Readable,
    options: InspectionOptions & { readonly arch?: Architecture; readonly sha256?: string },
  ): Promise<Job>;
  /** Throws `job-not-found`, and `no-report` for a job that has none. */
  report(id: string): Promise<InspectionReport>;
  /** Gives up the uploads of an earlier process. To be called before requests are taken. */
  resume(): Promise<void>;
}

export function createInspections(deps: InspectionServiceDeps): InspectionService {
  const { records, objects, ids, changes, log } = deps;

  async function insert(inside: JobRecords, job: StoredJob): Promise<void> {
    await inside.jobs.insert(job);
    const over = (await inside.jobs.list()).filter(
      ({ request, snapshot }) => request.job_type === 'inspect' && isOver(snapshot.state),
    );
    for (const old of over.slice(0, Math.max(0, over.length - KEPT))) {
      await inside.jobs.delete(old.request.id);
    }
  }

  function jobOf(
    id: string,
    source: { id: string; name: string; arch: Architecture },
    notes: InspectionNotes,
  ): StoredJob {
    const request = {
      job_type: 'inspect',
      artifact_id: source.id,
      image_root_archive_name: source.name,
      build_env_size: DISK_GIB,
      job_mem_size: MEMORY_GIB,
    } as const;
    const target = { imageId: ids.id(), arch: source.arch, requireDkms: false };
    return { ...newJob(deps, id, request, target), inspection: notes };
  }

  function announce(job: StoredJob): Job {
    log.info({ job: job.request.id, artifact: job.request.artifact_id }, 'inspection created');
    changes.notify({ jobId: job.request.id, kind: 'state' });
    return presentJob(job);
  }

  return {
    async ofRecipe({ recipe_id, ...options }) {
      const job = await records.transaction(async (inside) => {
        const recipe = await inside.recipes.find(recipe_id);
        if (recipe === undefined) {
          throw new KilnError('recipe-not-found', `there is no recipe ${recipe_id}`);
        }
        if (recipe.recipe_type !== 'kiwi-ng') {
          throw new KilnError(
            'recipe-type-not-supported',
            `"${recipe.name}" is a ${recipe.recipe_type} recipe`,
          );
        }
        if (recipe.link === null) {
          throw new KilnError('recipe-without-archive', `"${recipe.name}" has no archive`);
        }
        const made = jobOf(ids.id(), recipe, notesOf(options, null));
        await insert(inside, made);
        return made;
      });
      return announce(job);
    },

    async ofArchive(archive, { arch = deps.hostArchitecture, sha256, ...options }) {
      const id = ids.id();
      const address: ObjectAddress = { bucket: 'ims', key: `inspections/${id}/recipe.archive` };
      const entry = { bucket: address.bucket, keyPrefix: address.key, reason: 'the inspection is over' };
      const owner = `${UPLOADING}${id}`;
      await records.cleanup.insert({ id: ids.id(), ...entry, jobId: owner });
      try {
        await objects.put(address, archive, sha256 === undefined ? {} : { expected: { sha256 } });
        const job = jobOf(id, { id, name: 'an uploaded recipe', arch }, notesOf(options, address));
        await records.transaction(async (inside) => {
          await inside.cleanup.forgetByJob(owner);
          await inside.cleanup.insert({ id: ids.id(), ...entry, jobId: id });
          await insert(inside, job);
        });
        return announce(job);
      } catch (error) {
        await records.cleanup.releaseByJob(owner);
        void deps.cleanObjects();
        throw error;
      }
    },

    async report(id) {
      const job = await mustFind(records, id);
      const report = await records.jobs.report(id);
      if (report === undefined) {
        const { state } = job.snapshot;
        throw new KilnError('no-report', `job ${id} is a job of type ${job.request.job_type}, and ${state}`);
      }
      return report;
    },

    resume: () => records.cleanup.releaseByOwnersLike(UPLOADING),
  };
}

function notesOf(
  { schema_only = false, plan = false, values = [] }: InspectionOptions,
  archive: ObjectAddress | null,
): InspectionNotes {
  return { schemaOnly: schema_only, plan, values, archive };
}
