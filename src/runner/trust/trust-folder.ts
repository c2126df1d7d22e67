/**
 * Lays out what brings the certificates of the platform into an image: the set itself, and a package of it for each
 * family of distributions, as the family is only known once the image has its first packages. Packages are made in a
 * sandbox without network and recipe, once per set, and kept in the cache of the host.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { Bind } from '../../builder/sandbox.ts';
import { packageFile } from '../../platform/package-root.ts';
import { writable } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';
import { type CertificateSet, certificateSet } from './certificate-set.ts';
import { createPackageCache, type Files } from './package-cache.ts';

/** Where the scripts see it: `set.json` and the packages. Empty when the platform has no certificates. */
export const TRUST: Bind = { folder: 'trust', at: '/work/trust', writable: false };
/** Puts what is in that folder into a root. */
export const TRUST_SCRIPT = 'trust_certificates.py';

const PACKAGING_SCRIPT = 'package_certificates.py';
const PACKAGES: Bind = { folder: 'trust-packages', at: '/work/packages', writable: false };
const SET = 'set.json';
const Made = Type.Object({ packages: Type.Array(Type.String({ pattern: '^[a-z]+\\.(rpm|deb)$' })) });

/** Makes the folder `TRUST` anew. */
export async function layOutTrust(context: StepContext): Promise<void> {
  const { workspace, document } = context;
  const set = certificateSet(document.trusted_certificates);
  await workspace.removeFolder(TRUST.folder);
  await workspace.makeFolder(TRUST.folder);
  if (set === undefined) {
    return;
  }
  await workspace.writeFile(TRUST.folder, SET, JSON.stringify(set));
  for (const [name, content] of await packagesOf(context, set)) {
    await workspace.writeFile(TRUST.folder, name, content);
  }
}

async function packagesOf(context: StepContext, set: CertificateSet): Promise<Files> {
  const cache = createPackageCache(join(context.document.cache, 'platform-ca'));
  const key = await keyOf(context, set);
  const kept = await cache.find(key);
  if (kept !== undefined) {
    return kept;
  }
  const made = await makePackages(context, set);
  try {
    await cache.keep(key, made);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.log(`The packages of the platform's certificates could not be kept for other jobs: ${reason}`);
  }
  return made;
}

async function makePackages(context: StepContext, set: CertificateSet): Promise<Files> {
  const { workspace } = context;
  await workspace.makeFolder(PACKAGES.folder);
  try {
    const { packages } = await runScript(context, Made, {
      script: PACKAGING_SCRIPT,
      args: [`/usr/local/kiln/${SET}`, PACKAGES.at],
      binds: [writable(PACKAGES)],
      files: { [`/usr/local/kiln/${SET}`]: JSON.stringify(set) },
    });
    const folder = workspace.hostPath(PACKAGES.folder);
    const contents = packages.map(async (name) => [name, await readFile(join(folder, name))] as const);
    return new Map(await Promise.all(contents));
  } finally {
    await workspace.removeFolder(PACKAGES.folder);
  }
}

/** Everything that the packages depend on. */
async function keyOf({ document }: StepContext, set: CertificateSet): Promise<string> {
  const script = await readFile(packageFile('src', 'runner', 'scripts', PACKAGING_SCRIPT), 'utf8');
  const parts = JSON.stringify([script, document.builder_root.digest, set]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 32);
}
