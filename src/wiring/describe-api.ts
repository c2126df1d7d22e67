/** The API description without a running service, for the copy that is checked in. */
import { join } from 'node:path';
import { openEmbeddedObjectStore } from '../adapters/artifacts/embedded/index.ts';
import { openSqliteRecords } from '../adapters/records/sqlite/index.ts';
import { createImageService } from '../features/images/index.ts';
import { createCleaner } from '../features/objects/index.ts';
import { createPublicKeyService } from '../features/public-keys/index.ts';
import { createRecipeService } from '../features/recipes/index.ts';
import { createJobChanges } from '../jobs/changes.ts';
import { createJobReports } from '../jobs/reports.ts';
import { createJobService } from '../jobs/service.ts';
import { systemClock as clock } from '../platform/clock.ts';
import { randomIds as ids } from '../platform/ids.ts';
import { silentLog as log } from '../platform/log.ts';
import { packageVersion } from '../platform/package-root.ts';
import { createApp } from '../server/app.ts';
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
  const cleaner = createCleaner({ records, objects, log });
  const changes = createJobChanges();
  const context = { records, changes, clock, log, cleanObjects: () => cleaner.run() };
  const nouns = { records, objects, cleaner, clock, ids };
  const defaults = { diskGib: 1, memoryGib: 1 };
  const app = await createApp({
    log,
    version: packageVersion(),
    checks: {},
    routes: routesOf({
      recipes: createRecipeService(nouns),
      images: createImageService({ ...nouns, urlSeconds: 1 }),
      publicKeys: createPublicKeyService(nouns),
      objects,
      signingKey,
      jobs: createJobService({ ...context, ids, hostArchitecture: 'x86_64', defaults }),
      changes,
      reports: createJobReports({ ...context, objects, logLimitBytes: 1 }),
      log,
    }),
  });
  await app.ready();
  const description = app.swagger();
  await app.close();
  await records.close();
  return description;
}
