/** The API description without a running service, for the copy that is checked in. */

import { join } from 'node:path';
import { openEmbeddedObjectStore } from '../adapters/artifacts/embedded/index.ts';
import { openSqliteRecords } from '../adapters/records/sqlite/index.ts';
import { createAnnouncer } from '../features/changes/index.ts';
import { createJobChanges } from '../jobs/changes.ts';
import { createInspections } from '../jobs/inspections.ts';
import { createJobRecordings } from '../jobs/recordings.ts';
import { createJobReports } from '../jobs/reports.ts';
import { createJobRetries } from '../jobs/retry.ts';
import { createJobService } from '../jobs/service.ts';
import { createJobShells } from '../jobs/shells.ts';
import { systemClock as clock } from '../platform/clock.ts';
import { randomIds as ids } from '../platform/ids.ts';
import { silentLog as log } from '../platform/log.ts';
import { packageVersion } from '../platform/package-root.ts';
import { createSealer } from '../platform/seal.ts';
import { readSettings } from '../platform/settings.ts';
import { createApp } from '../server/app.ts';
import { authorityOf } from './authority.ts';
import { createFeatures } from './features.ts';
import { routesOf } from './routes.ts';

/** Needs an empty folder for stores that nothing is put into. */
export async function describeApi(folder: string): Promise<object> {
  const signingKey = Buffer.alloc(32);
  const records = await openSqliteRecords({ file: join(folder, 'records.sqlite') });
  const objects = await openEmbeddedObjectStore({
    folder: join(folder, 'objects'),
    signingKey,
    baseUrl: () => '',
  });
  const features = createFeatures({
    records,
    objects,
    clock,
    ids,
    log,
    urlSeconds: 1,
    contents: undefined,
  });
  const changes = createJobChanges();
  const authority = await authorityOf(readSettings({ flags: { 'state.folder': folder } }), { clock, log });
  const context = { records, changes, clock, log, cleanObjects: () => features.cleaner.run() };
  const defaults = { diskGib: 1, memoryGib: 1 };
  const sealer = createSealer(signingKey, 'description');
  const jobDeps = {
    ...context,
    pages: records.jobs,
    ids,
    objects,
    sealer,
    hostArchitecture: 'x86_64',
    defaults,
  } as const;
  const app = await createApp({
    log,
    version: packageVersion(),
    checks: {},
    routes: routesOf({
      ...features,
      journal: records.changes,
      announcer: createAnnouncer(),
      objects,
      signingKey,
      s3: undefined,
      jobs: createJobService(jobDeps),
      shells: createJobShells(jobDeps),
      recordings: createJobRecordings({ records, objects }),
      retries: createJobRetries(jobDeps),
      inspections: createInspections({ ...jobDeps, objects }),
      changes,
      authority,
      reports: createJobReports({ ...context, objects, logLimitBytes: 1 }),
      log,
    }),
  });
  await app.ready();
  const description = app.swagger();
  authority.close();
  await app.close();
  await records.close();
  return description;
}
