/**
 * Installs the root of the image with Kiwi in the sandbox. Kiwi's archive of the root is never made: nobody would
 * read it. What Kiwi and the package manager write becomes log, progress and, when they fail, the reason.
 */
import { BUILD, IMAGE_ROOT, RECIPE, writable } from '../image-root.ts';
import { createKiwiFailure } from '../kiwi/failure.ts';
import { createKiwiOutput } from '../kiwi/output.ts';
import { createPackageProgress } from '../kiwi/progress.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { Step } from '../step.ts';
import { layOutTrust, TRUST, TRUST_SCRIPT } from '../trust/trust-folder.ts';

export const prepare: Step<undefined, void> = {
  name: 'prepare',
  async run(context) {
    const { document, workspace } = context;
    const readers = { stdout: createKiwiOutput(), stderr: createKiwiOutput() };
    const packages = createPackageProgress();
    const failure = createKiwiFailure();
    let last = '';

    await workspace.makeFolder(BUILD.folder);
    await layOutTrust(context);
    const command = await scriptCommand({
      script: 'build_root.py',
      beside: [TRUST_SCRIPT],
      args: [RECIPE.at, IMAGE_ROOT, TRUST.at],
      binds: [RECIPE, TRUST, writable(BUILD)],
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
    if (last !== '') {
      context.note(last);
    }
  },
};
