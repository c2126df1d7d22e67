/** All migrations by name, in the order in which they are applied. */
import type { Migration } from 'kysely';
import { up as records } from './0001-records.ts';
import { up as deleted } from './0002-deleted.ts';
import { up as pages } from './0003-pages.ts';
import { up as changes } from './0004-changes.ts';
import { up as idempotency } from './0005-idempotency.ts';
import { up as repositories } from './0006-repositories.ts';
import { up as signingKeys } from './0007-signing-keys.ts';
import { up as inspections } from './0008-inspections.ts';
import { up as jobSecrets } from './0009-job-secrets.ts';
import { up as buildNodes } from './0010-build-nodes.ts';

export const MIGRATIONS: Record<string, Migration> = {
  '0001-records': { up: records },
  '0002-deleted': { up: deleted },
  '0003-pages': { up: pages },
  '0004-changes': { up: changes },
  '0005-idempotency': { up: idempotency },
  '0006-repositories': { up: repositories },
  '0007-signing-keys': { up: signingKeys },
  '0008-inspections': { up: inspections },
  '0009-job-secrets': { up: jobSecrets },
  '0010-build-nodes': { up: buildNodes },
};
