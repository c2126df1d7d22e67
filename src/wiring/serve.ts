/** Builds the control plane from the settings, runs it until it is told to stop, and takes it down in order. */
import { mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createLocalExecutor } from '../adapters/executors/local/executor.ts';
import { openSqliteRecords } from '../adapters/records/sqlite/index.ts';
import { HOST_ARCHITECTURE } from '../builder/emulation.ts';
import { DOOR_URL } from '../contract/runner-door.ts';
import { createAnnouncer, journaled } from '../features/changes/index.ts';
import { loadSigningKey, objectRoutes } from '../features/objects/index.ts';
import { signedPath } from '../features/objects/signing.ts';
import { createJobChanges } from '../jobs/changes.ts';
import { jobsConfigOf } from '../jobs/config.ts';
import { createInspections } from '../jobs/inspections.ts';
import { createPackagesTunnel } from '../jobs/packages-tunnel.ts';
import { createJobRecordings } from '../jobs/recordings.ts';
import { createJobReports } from '../jobs/reports.ts';
import { createJobRetries } from '../jobs/retry.ts';
import { mustBeRunner } from '../jobs/runner-access.ts';
import { runnerRoutes } from '../jobs/runner-routes.ts';
import { createJobService } from '../jobs/service.ts';
import { createJobShells } from '../jobs/shells.ts';
import { createSupervisor } from '../jobs/supervisor.ts';
import { createWireJobs } from '../jobs/wire-jobs.ts';
import { systemClock as clock } from '../platform/clock.ts';
import { randomIds as ids } from '../platform/ids.ts';
import { createLog } from '../platform/log.ts';
import type { Settings } from '../platform/options.ts';
import { packageVersion } from '../platform/package-root.ts';
import { createSealer } from '../platform/seal.ts';
import { createApp } from '../server/app.ts';
import { type DoorOptions, openDoor } from '../server/door.ts';
import { assertLoopback } from '../server/loopback.ts';
import { openArtifacts } from './artifacts.ts';
import { authorityOf } from './authority.ts';
import { builderRootsOf } from './builder-roots.ts';
import { createFeatures } from './features.ts';
import { imsOf } from './ims.ts';
import { nodesOf } from './nodes.ts';
import { packageAccessOf, packagesOf } from './packages.ts';
import { routesOf } from './routes.ts';
import { s3Of } from './s3.ts';

/** How the programs of Kiln are started: the words before their commands. */
export interface Entries {
  readonly kiln: readonly string[];
  readonly runner: readonly string[];
}

/** Settles when the service has stopped. */
export async function serve(settings: Settings, entries: Entries): Promise<void> {
  assertLoopback(settings['server.host']);
  const log = createLog(settings['log.level']);
  const state = settings['state.folder'];
  // Sandboxes look up their workspaces below it as another user; what is secret has a folder or mode of its own.
  await mkdir(state, { recursive: true, mode: 0o711 });

  let url = settings['server.url'];
  const signingKey = await loadSigningKey(join(state, 'signing.key'));
  const announcer = createAnnouncer();
  const stored = await openSqliteRecords({ file: join(state, 'records', 'kiln.sqlite') });
  const records = journaled(stored, clock, announcer.announce);
  const objects = await openArtifacts(settings, { signingKey, baseUrl: () => url });
  const baseUrl = () => url;
  const embedded =
    settings['artifacts.store'] === 'embedded'
      ? await s3Of({ stateFolder: state, signingKey, baseUrl, objects, clock, log })
      : { s3: undefined, wires: [] };
  const authority = await authorityOf(settings, { clock, log });
  const builderRoots = builderRootsOf(settings);
  const builderRoot = () => builderRoots.ensure();
  const packages = await packagesOf(settings, {
    records,
    authority,
    builderRoot,
    entry: entries.kiln,
    clock,
    ids,
    log,
  });
  const nodes = nodesOf(settings, {
    records,
    runner: entries.runner,
    builderRoot: async (arch) => (await builderRoots.ensure({}, arch)).path,
  });
  const features = createFeatures({
    reach: nodes.reach,
    nodeIntervalMs: settings['nodes.check_seconds'] * 1000,
    records,
    objects,
    clock,
    ids,
    log,
    urlSeconds: settings['artifacts.url_seconds'],
    contents: packages?.contents,
  });
  const executor = createLocalExecutor({
    stateFolder: state,
    entry: entries.runner,
    checkpointHours: settings['checkpoints.hours'],
    carriage: nodes.carriage,
    concurrency:
      settings['jobs.concurrency'] + settings['jobs.inspections'] + settings['jobs.customizations'],
    log,
  });
  const config = jobsConfigOf(settings);
  const sealer = createSealer(signingKey, 'secrets of jobs');
  const changes = createJobChanges();
  const context = { records, changes, clock, log, cleanObjects: () => features.cleaner.run() };
  const jobDeps = {
    ...context,
    pages: records.jobs,
    ids,
    objects,
    sealer,
    hostArchitecture: HOST_ARCHITECTURE,
    defaults: config.defaults,
  } as const;
  const jobs = createJobService(jobDeps);
  const inspections = createInspections({ ...jobDeps, objects });
  const supervisor = createSupervisor({
    ...context,
    ids,
    objects,
    sealer,
    executor,
    config,
    builderRoot,
    hostArchitecture: HOST_ARCHITECTURE,
    doorAddress: (...asked) => DOOR_URL + signedPath(signingKey, ...asked),
    apiUrl: () => url,
    packages: packageAccessOf(settings, packages),
    trustedCertificates: () => authority.trusted(),
    storeCertificates: await certificatesIn(settings['s3.ca_file']),
  });
  const version = packageVersion();
  const reports = createJobReports({ ...context, objects, logLimitBytes: config.logBytes });
  const app = await createApp({
    log,
    version,
    checks: {
      records: () => records.publicKeys.list(),
      objects: () => objects.head({ bucket: 'ims', key: 'health' }),
    },
    routes: routesOf({
      ...features,
      journal: records.changes,
      announcer,
      objects,
      signingKey,
      s3: embedded.s3,
      jobs,
      inspections,
      shells: createJobShells(context),
      recordings: createJobRecordings({ records, objects }),
      retries: createJobRetries(jobDeps),
      changes,
      authority,
      reports,
      log,
    }),
    wires: [
      ...embedded.wires,
      imsOf(
        { ...features, jobs: createWireJobs({ ...context, jobs }), objects },
        { settings, clock, version },
      ),
    ],
  });

  let tunnel: ReturnType<typeof createPackagesTunnel> | undefined;
  if (packages !== undefined) {
    const accept = packages.server.acceptBuild;
    tunnel = createPackagesTunnel({ records, log, accept });
  }
  const onUpgrade: NonNullable<DoorOptions['onUpgrade']> = (request, socket, head) =>
    void tunnel?.(request, socket, head);
  app.server.on('upgrade', onUpgrade);

  const stopped = untilStopped();
  await features.giveUpUnfinished();
  await inspections.resume();
  await app.listen({ host: settings['server.host'], port: settings['server.port'] });
  url ||= urlOf(app.server.address() as AddressInfo);
  const door = await openDoor({
    log,
    path: nodes.door,
    routes: [runnerRoutes({ reports }), objectRoutes({ objects, signingKey })],
    check: (jobId, token) => mustBeRunner(records, jobId, token),
    onUpgrade,
  });
  const [host, port] = [settings['packages.host'], settings['packages.port']];
  const packagesPort = await packages?.server.listen(host, port);
  await supervisor.start();
  features.nodeWatch.start();
  void packages
    ?.maintain()
    .catch((error: unknown) => log.error({ err: error }, 'packages cannot be tidied up'));
  void features.resume();
  process.stdout.write(`Kiln listens on ${url}\n`);
  if (packagesPort !== undefined) {
    process.stdout.write(`Packages at https://${host}:${packagesPort}/repository/NAME/\n`);
  }
  log.info({ address: url, packages: packagesPort, state }, 'the service is ready');

  await stopped;
  authority.close();
  await features.nodeWatch.stop();
  await app.close();
  await door.close();
  await supervisor.stop();
  await packages?.close();
  await records.close();
  log.info('the service has stopped; jobs that run go on for a while and are found again at the next start');
  process.exit(0);
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve());
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** The certificates of a PEM file, one by one. */
async function certificatesIn(file: string): Promise<string[]> {
  if (file === '') {
    return [];
  }
  const text = await readFile(file, 'utf8');
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}
