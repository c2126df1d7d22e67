/** The builder root that tests share: from the cache of this machine, made once when it is not there. */
import {
  type BuilderRoots,
  createBuilderRoots,
  type ReadyBuilderRoot,
} from '../../src/builder/builder-root.ts';
import { readSettings } from '../../src/platform/settings.ts';

export async function testBuilderRoot(): Promise<ReadyBuilderRoot> {
  return await testBuilderRoots().ensure();
}

export function testBuilderRoots(): BuilderRoots {
  const settings = readSettings({ environment: process.env });
  return createBuilderRoots({
    cacheFolder: settings['cache.folder'],
    suite: settings['builder.suite'],
    mirror: settings['builder.mirror'],
    extraPackages: settings['builder.extra_packages'].split(',').filter((name) => name !== ''),
  });
}
