/** Recipes of the tests: the one that ships, and a tiny one whose script is the test's own. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Architecture } from '../../src/contract/common.ts';
import { PACKAGE_ROOT } from '../../src/platform/package-root.ts';
import type { RunningService } from './kiln.ts';

/** The package mirror of this host, as `kiln builder mirror` finds it. */
export async function hostMirror(service: RunningService): Promise<string> {
  const result = await service.kiln(['builder', 'mirror']);
  return result.stdout.trim();
}

export interface TinyRecipe {
  /** Appended to its config.sh, which runs as root in the new root. */
  script?: string;
  /** A package besides the essential ones. */
  package?: string;
  /** Replaces the mirror. */
  mirror?: string;
}

/** Registers the tiny recipe with `kiln recipes create`; gives its id. */
export async function registerTiny(service: RunningService, options: TinyRecipe = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-recipe-'));
  try {
    await cp(join(PACKAGE_ROOT, 'test', 'fixtures', 'tiny-debian'), folder, { recursive: true });
    await writeFile(join(folder, 'script.sh'), options.script ?? 'true');
    const values = {
      DEBIAN_MIRROR: options.mirror ?? (await hostMirror(service)),
      EXTRA_PACKAGE: options.package ?? 'base-files',
      SCRIPT: options.script ?? 'true',
    };
    return await register(service, 'tiny-debian', folder, values);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `kiln recipes create NAME --from FOLDER`; gives the id. */
export async function register(
  service: RunningService,
  name: string,
  folder: string,
  values: Record<string, string>,
  arch: Architecture = 'x86_64',
): Promise<string> {
  const given = Object.entries(values).flatMap(([key, value]) => ['--value', `${key}=${value}`]);
  const result = await service.kiln([
    'recipes',
    'create',
    name,
    '--from',
    folder,
    '--linux-distribution',
    'debian12',
    '--arch',
    arch,
    '--format',
    'json',
    ...given,
  ]);
  if (result.exitCode !== 0) {
    throw new Error(`kiln recipes create failed: ${result.tail.join('\n')}`);
  }
  const record: { id: string } = JSON.parse(result.stdout);
  return record.id;
}
