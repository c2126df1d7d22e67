/** A whole job engine on fakes, with a clock that a test holds and a service that it can restart. */

import { ARTIFACT_MEDIA_TYPES, type Manifest, type ManifestArtifact } from '../../contract/images.ts';
import type { Job, JobCreate } from '../../contract/jobs.ts';
import type { Recipe } from '../../contract/recipes.ts';
import type { JobDocument, RunnerCompletion, RunnerReport } from '../../contract/runner.ts';
import { randomIds } from '../../platform/ids.ts';
import { silentLog } from '../../platform/log.ts';
import { createSealer } from '../../platform/seal.ts';
import { readSettings } from '../../platform/settings.ts';
import type { JobRecords } from '../../ports/records.ts';
import { addressOf } from '../addresses.ts';
import { createJobChanges } from '../changes.ts';
import { jobsConfigOf } from '../config.ts';
import { createInspections } from '../inspections.ts';
import { createJobReports } from '../reports.ts';
import { createJobService } from '../service.ts';
import { createSupervisor } from '../supervisor.ts';
import { createMachine } from './machine.ts';
import { memoryObjects } from './memory-objects.ts';
import { emptyState, memoryRecords } from './memory-records.ts';

export const RECIPE_ID = '11111111-1111-4111-8111-111111111111';

const recipe: Recipe = {
  id: RECIPE_ID,
  created: '2026-01-01T00:00:00.000Z',
  name: 'a recipe',
  recipe_type: 'kiwi-ng',
  linux_distribution: 'debian12',
  template_dictionary: [],
  arch: 'x86_64',
  require_dkms: false,
  link: { path: `s3://ims/recipes/${RECIPE_ID}/recipe.tar.gz`, type: 's3' },
};

export interface WorldOptions {
  slots?: number;
  settings?: Record<string, string>;
}

export function createWorld(options: WorldOptions = {}) {
  const slots = options.slots ?? 1;
  const settings = readSettings({ flags: { 'jobs.concurrency': String(slots), ...options.settings } });
  const config = jobsConfigOf(settings);
  const state = emptyState();
  state.recipes.set(recipe.id, recipe);
  const objects = memoryObjects();
  objects.putText({ bucket: 'ims', key: `recipes/${RECIPE_ID}/recipe.tar.gz` }, 'an archive');
  const stored = memoryRecords(state);
  const machine = createMachine(slots + config.inspections);
  let nowMs = Date.parse('2026-01-01T00:00:00.000Z');
  const clock = { now: () => new Date(nowMs) };
  let cleaned = 0;
  const hooks = {
    /** What making the builder root does. */
    builderRoot: async () => ({ digest: 'sha256:0', path: '/nowhere/builder.sqfs' }),
    trustedCertificates: (): readonly string[] => [],
  };
  let service = boot();

  const world = {
    state,
    objects,
    machine,
    config,
    hooks,
    timesCleaned: () => cleaned,
    get service() {
      return service;
    },
    passSeconds(seconds: number) {
      nowMs += seconds * 1000;
    },
    create(changes: Partial<JobCreate> = {}): Promise<Job> {
      return service.jobs.create({
        job_type: 'create',
        artifact_id: RECIPE_ID,
        image_root_archive_name: 'an image',
        ...changes,
      });
    },
    /** Lets everything happen that follows from how things are. */
    async settle() {
      for (let round = 0; round < 4; round += 1) {
        await service.supervisor.tick();
        await service.supervisor.idle();
      }
    },
    /** The service dies in the middle of whatever it does; a new one is not started yet. */
    crash() {
      service.crash();
    },
    async restart() {
      service.crash();
      service = boot();
      await service.supervisor.start();
    },
    report(document: JobDocument, report: Partial<RunnerReport> = {}) {
      const whole = { attempt: document.attempt, steps: [], log: [], ...report };
      return service.reports.report(document.job_id, document.api.token, whole);
    },
    complete(document: JobDocument) {
      const completion = upload(document);
      return service.reports.complete(document.job_id, document.api.token, completion);
    },
  };

  function boot() {
    let crashed = false;
    const records = untilCrash(stored, () => crashed);
    const context = {
      records,
      changes: createJobChanges(),
      clock,
      log: silentLog,
      cleanObjects: async () => {
        cleaned += 1;
      },
    };
    const sealer = createSealer(Buffer.alloc(32), 'test');
    const jobDeps = {
      pages: {
        list: () => context.records.jobs.list(),
        page: () => Promise.reject(new Error('pages are the work of the database; this world has none')),
      },
      ...context,
      ids: randomIds,
      objects,
      sealer,
      hostArchitecture: 'x86_64',
      defaults: config.defaults,
    } as const;
    const supervisor = createSupervisor({
      ...context,
      ids: randomIds,
      objects,
      sealer,
      config,
      executor: machine.boot(),
      builderRoot: () => hooks.builderRoot(),
      hostArchitecture: 'x86_64',
      doorAddress: (_method, { bucket, key }) => `http://kiln.internal/${bucket}/${key}`,
      apiUrl: () => 'http://kiln.test',
      packages: null,
      trustedCertificates: () => hooks.trustedCertificates(),
      storeCertificates: [],
      timing: { tickMs: 1_000_000, cancelGraceMs: 5_000, stopGraceSeconds: 15, retireGraceMs: 10_000 },
    });
    return {
      records,
      changes: context.changes,
      supervisor,
      jobs: createJobService(jobDeps),
      inspections: createInspections({ ...jobDeps, objects }),
      reports: createJobReports({ ...context, objects, logLimitBytes: config.logBytes }),
      crash() {
        crashed = true;
      },
    };
  }

  /** Uploads what a runner would, and gives its completion. */
  function upload(document: JobDocument): RunnerCompletion {
    const artifacts = (['rootfs', 'kernel', 'initrd'] as const).map((name): ManifestArtifact => {
      const { path } = document.image.uploads[name];
      const info = objects.putText(addressOf(path), `${name} of ${document.image_name}`);
      return {
        type: ARTIFACT_MEDIA_TYPES[name],
        md5: info.md5,
        sha256: info.sha256,
        size_bytes: info.sizeBytes,
        link: { path, type: 's3', etag: info.etag },
      };
    });
    const manifest: Manifest = { version: '1.0', created: '2026-01-01 00:00:00.000000', artifacts };
    objects.putText(addressOf(document.image.uploads.manifest.path), JSON.stringify(manifest));
    return { attempt: document.attempt, artifacts, packages: 1 };
  }

  return world;
}

export type World = ReturnType<typeof createWorld>;

/** The same records, which fail as soon as the process that uses them is dead. */
function untilCrash(records: JobRecords, isDead: () => boolean): JobRecords {
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(store, name) {
        const value: unknown = Reflect.get(store, name);
        if (typeof value === 'function') {
          return async (...args: unknown[]) => {
            if (isDead()) {
              throw new Error('this process is dead');
            }
            return value(...args);
          };
        }
        return typeof value === 'object' && value !== null ? guard(value) : value;
      },
    });
  return guard(records);
}
