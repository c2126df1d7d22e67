/** The certificate authority of the platform, in its folder below the state. */
import { join } from 'node:path';
import { type Authority, createAuthority } from '../packages/authority/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Settings } from '../platform/options.ts';

/** Throws `config-invalid` when a certificate or key of the settings is wrong. */
export async function authorityOf(settings: Settings, deps: { clock: Clock; log: Log }): Promise<Authority> {
  return await createAuthority({ folder: join(settings['state.folder'], 'authority'), settings, ...deps });
}
