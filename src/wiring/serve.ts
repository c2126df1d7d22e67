/** Builds the control plane from the settings, runs it until it is told to stop, and takes it down in order. */
import { mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createLocalExecutor } from '../adapters/executors/local/executor.ts';
import { openSqliteRecords } from '../adapters/records/sqlite/index.ts';
import { createAnnouncer, journaled } from '../features/changes/index.ts';
import { loadSigningKey } from '../features/objects/index.ts';
import { createJobChanges } from '../jobs/changes.ts';
import { jobsConfigOf } from '../jobs/config.ts';
import { createInspections } from '../jobs/inspections.ts';
import { createPackagesTunnel } from '../jobs/packages-tunnel.ts';
import { createJobReports } from '../jobs/reports.ts';
import { createJobRetries } from '../jobs/retry.ts';
import { createJobService } from '../jobs/service.ts';
import { createJobShells } from '../jobs/shells.ts';
import { createSupervisor } from '../jobs/supervisor.ts';
import { createWireJobs } from '../jobs/wire-jobs.ts';
import { systemClock as clock } from '../platform/clock.ts';
import { randomIds as ids } from '../platform/ids.ts';
import { createLog } from '../platform/log.ts';
import type { Settings } from '../platform/options.ts';
import { packageVersion } from '../platform/package-root.ts';
import { createApp } from '../server/app.ts';
import { assertLoopback } from '../server/loopback.ts';
import { openArtifacts } from './artifacts.ts';
import { authorityOf } from './authority.ts';
import { builderRootsOf } from './builder-roots.ts';
import { createFeatures } from './features.ts';
import { imsOf } from './ims.ts';
import { packageAccessOf, packagesOf } from './packages.ts';
import { routesOf } from './routes.ts';
import { s3Of } from './s3.ts';

/** `entry` is how Kiln itself is started: the words before `run-job`. Settles when the service has stopped. */
export async function serve(settings: Settings, entry: readonly string[]): Promise<void> {
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
  const packages = await packagesOf(settings, { records, authority, builderRoot, entry, clock, ids, log });
  const features = createFeatures({
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
    entry,
    checkpointHours: settings['checkpoints.hours'],
    concurrency:
      settings['jobs.concurrency'] + settings['jobs.inspections'] + settings['jobs.customizations'],
    log,
  });
  const config = jobsConfigOf(settings);
  const changes = createJobChanges();
  const context = { records, changes, clock, log, cleanObjects: () => features.cleaner.run() };
  const jobDeps = {
    ...context,
    pages: records.jobs,
    ids,
    hostArchitecture: hostArchitecture(),
    defaults: config.defaults,
  } as const;
  const jobs = createJobService(jobDeps);
  const inspections = createInspections({ ...jobDeps, objects });
  const supervisor = createSupervisor({
    ...context,
    ids,
    objects,
    executor,
    config,
    builderRoot,
    apiUrl: () => url,
    packages: packageAccessOf(settings, packages),
    trustedCertificates: () => authority.trusted(),
    storeCertificates: await certificatesIn(settings['s3.ca_file']),
  });
  const version = packageVersion();
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
      retries: createJobRetries(jobDeps),
      changes,
      authority,
      reports: createJobReports({ ...context, objects, logLimitBytes: config.logBytes }),
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

  if (packages !== undefined) {
    const accept = packages.server.acceptBuild;
    const tunnel = createPackagesTunnel({ records, log, accept });
    app.server.on('upgrade', (request, socket, head) => void tunnel(request, socket, head));
  }

  const stopped = untilStopped();
  await features.giveUpUnfinished();
  await inspections.resume();
  await app.listen({ host: settings['server.host'], port: settings['server.port'] });
  url ||= urlOf(app.server.address() as AddressInfo);
  const [host, port] = [settings['packages.host'], settings['packages.port']];
  const packagesPort = await packages?.server.listen(host, port);
  await supervisor.start();
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
  await app.close();
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

function hostArchitecture() {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64';
}

/** The certificates of a PEM file, one by one. */
async function certificatesIn(file: string): Promise<string[]> {
  if (file === '') {
    return [];
  }
  const text = await readFile(file, 'utf8');
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}
