/**
 * Installs the root of the image with Kiwi in the sandbox. Kiwi's archive of the root is never made: nobody would
 * read it. What Kiwi and the package manager write becomes log, progress and, when they fail, the reason.
 */

import type { JobDocument } from '../../contract/runner.ts';
import { BUILD, IMAGE_ROOT, RECIPE, writable } from '../image-root.ts';
import { createKiwiFailure } from '../kiwi/failure.ts';
import { createKiwiOutput } from '../kiwi/output.ts';
import { createPackageProgress } from '../kiwi/progress.ts';
import type { Repository } from '../recipe/description.ts';
import { verificationOf } from '../recipe/signatures.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { Step } from '../step.ts';
import { layOutTrust, TRUST, TRUST_SCRIPT } from '../trust/trust-folder.ts';

/** Where signatures.py looks for keys: those of the site have packages checked, that of the platform is for metadata. */
const KEYS = { site: '/etc/pki/kiln/site', platform: '/etc/pki/kiln/platform' };

export const prepare: Step<readonly Repository[], void> = {
  name: 'prepare',
  async run(context, repositories) {
    const { document, workspace } = context;
    const readers = { stdout: createKiwiOutput(), stderr: createKiwiOutput() };
    const packages = createPackageProgress();
    const failure = createKiwiFailure();
    let last = '';

    const verified = repositories.map((each) => verificationOf(each, document.signing_keys.length));
    for (const { alias, unverified } of verified) {
      if (unverified !== undefined) {
        context.log(`warning: what comes from the repository "${alias}" is not verified: ${unverified}`);
      }
    }
    await workspace.makeFolder(BUILD.folder);
    await layOutTrust(context);
    const command = await scriptCommand({
      script: 'build_root.py',
      beside: [TRUST_SCRIPT, 'signatures.py', 'foreign_arch.py'],
      args: [RECIPE.at, IMAGE_ROOT, TRUST.at, document.arch],
      machine: document.arch,
      binds: [RECIPE, TRUST, writable(BUILD)],
      files: keysFor(document, repositories),
    });
    const result = await workspace.run({
      ...command,
      network: 'outbound',
      signal: context.signal,
      onLine(raw, stream) {
        const line = readers[stream].read(raw);
        if (line === undefined) {
          return;
        }
        failure.see(line);
        const progress = line.script === undefined ? packages.read(line.text) : undefined;
        if (progress !== undefined) {
          context.progress(progress);
          last = progress.total === null ? last : `${progress.total} packages installed`;
        }
        if (!line.bookkeeping || document.enable_debug) {
          context.log(
            line.level === 'warning' || line.level === 'error' ? `${line.level}: ${line.text}` : line.text,
          );
        }
      },
    });
    if (result.exitCode !== 0) {
      throw failure.explain(result.exitCode);
    }
    const unverified = verified.filter((each) => each.unverified !== undefined).map(({ alias }) => alias);
    const notes = [
      ...(last === '' ? [] : [last]),
      ...(unverified.length === 0 ? [] : [`not verified: ${unverified.join(', ')}`]),
    ];
    if (notes.length > 0) {
      context.note(notes.join('; '));
    }
  },
};

/** An image has the key of the platform's own repositories only when its recipe wants their metadata verified. */
function keysFor(
  { signing_keys, packages }: Pick<JobDocument, 'signing_keys' | 'packages'>,
  repositories: readonly Repository[],
): Record<string, string> {
  const site = signing_keys.map((key): [string, string] => [
    `${KEYS.site}/${key.fingerprint}.asc`,
    key.public_key,
  ]);
  const ofPlatform = packages?.signing_key ?? null;
  const wanted = repositories.some((repository) => repository.repository_gpgcheck === true);
  const platform: [string, string][] =
    ofPlatform !== null && wanted ? [[`${KEYS.platform}/packages.asc`, ofPlatform]] : [];
  return Object.fromEntries([...site, ...platform]);
}
