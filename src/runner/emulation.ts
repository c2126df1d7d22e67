/** Makes sure, before a job does anything, that programs of its image run on this host. */
import { inMachine, isEmulated } from '../builder/emulation.ts';
import type { Workspace } from '../builder/sandbox.ts';
import { KilnError } from '../contract/errors.ts';
import { runsPrograms } from '../contract/jobs.ts';
import type { JobDocument } from '../contract/runner.ts';

/** Throws `emulation-unavailable`, which says what the host lacks. */
export async function ensureMachine(
  workspace: Pick<Workspace, 'run'>,
  job: Pick<JobDocument, 'job_type' | 'arch'>,
): Promise<void> {
  const { arch } = job;
  if (!isEmulated(arch) || !runsPrograms(job)) {
    return;
  }
  const result = await workspace.run(await inMachine(arch, { argv: ['true'], binds: [], network: 'none' }));
  if (result.exitCode !== 0) {
    throw new KilnError('emulation-unavailable', result.tail.at(-1) ?? 'emulate.py ended without a word');
  }
}
