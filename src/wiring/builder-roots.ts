/** The builder roots that the settings name. */
import { type BuilderRoots, createBuilderRoots } from '../builder/builder-root.ts';
import type { Settings } from '../platform/options.ts';

export function builderRootsOf(settings: Settings): BuilderRoots {
  return createBuilderRoots({
    cacheFolder: settings['cache.folder'],
    suite: settings['builder.suite'],
    mirror: settings['builder.mirror'],
    extraPackages: settings['builder.extra_packages'].split(',').filter((name) => name !== ''),
  });
}
