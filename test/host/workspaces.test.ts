/** The folders of jobs, as several processes deal with them: on a build node each command is a process of its own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createWorkspaces } from '../../src/adapters/executors/local/workspaces.ts';
import { CHECKPOINT_NOTE, WORKSPACE_DISK } from '../../src/contract/checkpoints.ts';

const nothing = async () => {};
const CGROUPS = { remove: nothing, removeParent: nothing };

it('gives what is kept of a job to the next one, also while another process clears away after the first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-workspaces-'));
  try {
    const processes = Array.from({ length: 3 }, () => createWorkspaces(folder, CGROUPS, 1));
    const [first, ...others] = processes;
    for (let round = 0; round < 10; round += 1) {
      const [failed, next] = [randomUUID(), randomUUID()];
      const left = (await first?.create(failed)) ?? '';
      await writeFile(join(left, WORKSPACE_DISK), 'the work');
      await writeFile(join(left, CHECKPOINT_NOTE), '{}');
      const [taken] = await Promise.all([
        first?.create(next, failed),
        ...others.map((each) => each.remove(failed)),
      ]);
      expect(await readdir(taken ?? '')).toEqual(expect.arrayContaining([WORKSPACE_DISK, CHECKPOINT_NOTE]));
      expect(await first?.list()).toEqual([next]);
      await first?.remove(next);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
