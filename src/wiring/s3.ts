/** The S3 protocol of a service that keeps its artifacts itself. */
import { join } from 'node:path';
import { openEmbeddedObjectStore } from '../adapters/artifacts/embedded/index.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { createCredentialer, S3_PREFIX, s3Routes, tokenRoutes } from '../s3/index.ts';

export interface S3WiringOptions {
  readonly stateFolder: string;
  readonly signingKey: Buffer;
  readonly baseUrl: () => string;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the credential routes need, and the plugins that serve the protocol. */
export async function s3Of(options: S3WiringOptions) {
  const { signingKey, baseUrl, objects, clock, log } = options;
  const now = () => clock.now();
  const parts = await openEmbeddedObjectStore({
    folder: join(options.stateFolder, 's3-uploads'),
    signingKey,
    baseUrl,
  });
  const credentialer = createCredentialer(signingKey, now);
  const s3 = { credentialer, endpoint: () => baseUrl() + S3_PREFIX };
  return { s3, wires: [s3Routes({ objects, parts, now, credentialer, log }), tokenRoutes({ s3 })] };
}
