/** The wire of the reference over the services of Kiln, with the names that the settings give. */
import { type ImsServices, imsRoutes } from '../ims/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Settings } from '../platform/options.ts';

export type ImsSettings = Pick<Settings, 'ims.job_namespace' | 'ims.access_subnet' | 'ims.access_domain'>;

/** A plugin for the application, to be registered without a prefix. */
export function imsOf(
  services: ImsServices,
  { settings, clock, version }: { settings: ImsSettings; clock: Clock; version: string },
) {
  return imsRoutes(services, {
    version,
    now: () => clock.now(),
    naming: {
      namespace: settings['ims.job_namespace'],
      subnet: settings['ims.access_subnet'],
      domain: settings['ims.access_domain'],
    },
  });
}
