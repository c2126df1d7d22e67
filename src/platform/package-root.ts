/** Where the files that ship with Kiln are: recipes, sandbox scripts, the API description. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    folder = dirname(folder);
  }
  return folder;
}

/** Folder of Kiln's own package.json, in a checkout and in an installed package alike. */
export const PACKAGE_ROOT = findPackageRoot();

export function packageFile(...parts: string[]): string {
  return join(PACKAGE_ROOT, ...parts);
}

export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new Error('package.json has no version');
}
