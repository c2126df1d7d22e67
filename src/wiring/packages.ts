/** The package repositories that the settings ask for. */
import { join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import { PACKAGES_HOST } from '../contract/repositories.ts';
import { isOver } from '../jobs/states.ts';
import type { Authority } from '../packages/authority/index.ts';
import { openPackages, type Packages } from '../packages/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Settings } from '../platform/options.ts';
import type { Records } from '../ports/records.ts';

export interface PackagesWiring {
  readonly records: Records;
  readonly authority: Authority;
  readonly builderRoot: () => Promise<{ readonly path: string }>;
  readonly entry: readonly string[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** A tool that uploads many packages, one after the other, makes one revision of them. */
const QUIET_MS = 300;

/** Undefined when somebody else serves packages, or nobody does. */
export async function packagesOf(settings: Settings, wiring: PackagesWiring): Promise<Packages | undefined> {
  if (settings['packages.server'] !== 'embedded') {
    return undefined;
  }
  const { records, authority, ...rest } = wiring;
  const packages = await openPackages({
    ...rest,
    folder: join(settings['state.folder'], 'packages'),
    repositories: records.repositories,
    trusted: () => authority.trusted(),
    certificate: authority.serverCertificate(),
    silenceSeconds: settings['packages.silence_seconds'],
    quietMs: QUIET_MS,
    uploadUser: settings['packages.upload_user'],
    uploadPasswordFile: settings['packages.upload_password_file'],
    async isLive(jobId) {
      const job = await records.jobs.find(jobId);
      return job !== undefined && !isOver(job.snapshot.state);
    },
  });
  authority.onServerCertificate((certificate) => packages.server.setCertificate(certificate));
  return packages;
}

/** How builds reach packages. Throws `config-invalid` when the settings do not say where the server is. */
export function packageAccessOf(settings: Settings, packages: Packages | undefined) {
  const { 'packages.server': server, 'packages.address': address } = settings;
  if (server === 'none') {
    return null;
  }
  if (server === 'external' && address === '') {
    throw new KilnError('config-invalid', 'packages.server is "external", and packages.address is empty');
  }
  return {
    names: [PACKAGES_HOST],
    address: server === 'external' ? address : null,
    signing_key: packages?.publicKey ?? null,
  };
}
