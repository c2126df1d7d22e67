/**
 * The whole service inside the process of a test: real records and a real object store in a folder of its own, all
 * routes, a port of its own. Jobs are queued and never started; a test moves them on through the records.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteRecords } from '../../src/adapters/records/sqlite/index.ts';
import { createAnnouncer } from '../../src/features/changes/index.ts';
import type { ObjectStore } from '../../src/features/objects/store.ts';
import { createJobChanges } from '../../src/jobs/changes.ts';
import { jobsConfigOf } from '../../src/jobs/config.ts';
import { createInspections } from '../../src/jobs/inspections.ts';
import { createJobRecordings } from '../../src/jobs/recordings.ts';
import { createJobReports } from '../../src/jobs/reports.ts';
import { createJobRetries } from '../../src/jobs/retry.ts';
import { createJobService } from '../../src/jobs/service.ts';
import { createJobShells } from '../../src/jobs/shells.ts';
import { createWireJobs } from '../../src/jobs/wire-jobs.ts';
import { openSigner } from '../../src/packages/signer.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { randomIds as ids } from '../../src/platform/ids.ts';
import { silentLog as log } from '../../src/platform/log.ts';
import { createSealer } from '../../src/platform/seal.ts';
import { readSettings } from '../../src/platform/settings.ts';
import type { Records } from '../../src/ports/records.ts';
import { createApp } from '../../src/server/app.ts';
import { authorityOf } from '../../src/wiring/authority.ts';
import { builderRootsOf } from '../../src/wiring/builder-roots.ts';
import { createFeatures } from '../../src/wiring/features.ts';
import { imsOf } from '../../src/wiring/ims.ts';
import { packagesOf } from '../../src/wiring/packages.ts';
import { routesOf } from '../../src/wiring/routes.ts';
import { s3Of } from '../../src/wiring/s3.ts';
import { KILN } from './kiln.ts';

/** Opens the store of one service; called again with the same folder when the service is restarted. */
export type OpenStore = (options: {
  folder: string;
  signingKey: Buffer;
  baseUrl: () => string;
}) => Promise<ObjectStore>;

export interface ServiceOptions {
  readonly openStore: OpenStore;
  /** Settings by name, as flags would give them. */
  readonly settings?: Record<string, string>;
}

export interface InProcessService {
  readonly url: string;
  readonly records: Records;
  readonly objects: ObjectStore;
  /** Stops the time of the service at this moment; undefined lets it run again. */
  setTime(time: Date | undefined): void;
  /** Ends the service and starts it on the same folder, as after a restart of the machine. */
  restart(): Promise<void>;
  /** Waits until what was answered already is done in the store, too. */
  settled(): Promise<void>;
  /** Finishes what goes on and forgets all records; objects that belong to none stay. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a service; the caller closes it. */
export async function startInProcess(options: ServiceOptions): Promise<InProcessService> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-service-'));
  await mkdir(join(folder, 'packages'), { recursive: true });
  await writeFile(join(folder, 'packages', 'signing.key'), await signingKey(), { mode: 0o600 });
  let stopped: Date | undefined;
  const clock: Clock = { now: () => stopped ?? new Date() };
  let running = await start(folder, clock, options);
  return {
    get url() {
      return running.url;
    },
    get records() {
      return running.records;
    },
    get objects() {
      return running.objects;
    },
    setTime(time) {
      stopped = time;
    },
    async restart() {
      await running.stop();
      running = await start(folder, clock, options);
    },
    settled: () => running.settle(),
    async reset() {
      stopped = undefined;
      await running.settle();
      await forgetAll(running.records);
    },
    async close() {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let madeKey: Promise<string> | undefined;

/** The signing key of packages for every service of this process, since making one takes most of a start. */
function signingKey(): Promise<string> {
  madeKey ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kiln-key-'));
    const file = join(folder, 'signing.key');
    await openSigner(file);
    const key = await readFile(file, 'utf8');
    await rm(folder, { recursive: true });
    return key;
  })();
  return madeKey;
}

async function start(folder: string, clock: Clock, options: ServiceOptions) {
  const settings = readSettings({ flags: { 'state.folder': folder, ...options.settings } });
  const config = jobsConfigOf(settings);
  const signingKey = Buffer.alloc(32, 7);
  let url = '';
  await mkdir(join(folder, 'objects'), { recursive: true });
  const records = await openSqliteRecords({ file: join(folder, 'records', 'kiln.sqlite') });
  const objects = await options.openStore({
    folder: join(folder, 'objects'),
    signingKey,
    baseUrl: () => url,
  });
  const { s3, wires } = await s3Of({
    stateFolder: folder,
    signingKey,
    baseUrl: () => url,
    objects,
    clock,
    log,
  });
  const authority = await authorityOf(settings, { clock, log });
  const builderRoot = () => builderRootsOf(settings).ensure();
  const packages = await packagesOf(settings, {
    records,
    authority,
    builderRoot,
    entry: [KILN],
    clock,
    ids,
    log,
  });
  const contents = packages?.contents;
  const { urlSeconds } = config;
  const features = createFeatures({
    records,
    objects,
    clock,
    ids,
    log,
    urlSeconds,
    contents,
  });
  const changes = createJobChanges();
  const context = { records, changes, clock, log, cleanObjects: () => features.cleaner.run() };
  const sealer = createSealer(signingKey, 'test');
  const jobDeps = {
    ...context,
    pages: records.jobs,
    ids,
    objects,
    sealer,
    hostArchitecture: 'x86_64' as const,
    defaults: config.defaults,
  };
  const jobs = createJobService(jobDeps);
  const inspections = createInspections({ ...jobDeps, objects });
  const wireJobs = createWireJobs({ ...context, jobs });
  const app = await createApp({
    log,
    version: '1.2.3',
    checks: {},
    routes: routesOf({
      ...features,
      journal: records.changes,
      announcer: createAnnouncer(),
      objects,
      signingKey,
      s3,
      jobs,
      shells: createJobShells(context),
      recordings: createJobRecordings({ records, objects }),
      retries: createJobRetries(jobDeps),
      inspections,
      changes,
      authority,
      reports: createJobReports({ ...context, objects, logLimitBytes: config.logBytes }),
      log,
    }),
    wires: [...wires, imsOf({ ...features, jobs: wireJobs, objects }, { settings, clock, version: '1.2.3' })],
  });
  await features.giveUpUnfinished();
  await inspections.resume();
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  await features.resume();
  return {
    url,
    records,
    objects,
    settle: () => features.resume(),
    async stop() {
      authority.close();
      await app.close();
      // Moves and removals go on after they were answered; whoever comes next clears the folder.
      await features.resume();
      await packages?.close();
      await records.close();
    },
  };
}

async function forgetAll(records: Records): Promise<void> {
  const { images, recipes, publicKeys, deletedImages, deletedRecipes, deletedPublicKeys } = records;
  for (const store of [images, recipes, publicKeys, deletedImages, deletedRecipes, deletedPublicKeys]) {
    for (const { id } of await store.list()) {
      await store.delete(id);
    }
  }
  for (const { request } of await records.jobs.list()) {
    await records.cleanup.forgetByJob(request.id);
    await records.jobs.delete(request.id);
  }
  for (const { xname } of await records.nodes.list()) {
    await records.nodes.delete(xname);
  }
}
