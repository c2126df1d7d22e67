/** The quickstart, interrupted in the middle of the build. What it does to the end is in create-image.test.ts. */
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';
import { clearAway, processesWith } from '../support/kiln.ts';
import { expectNothingLeftIn, leftoversIn, quickstart } from '../support/quickstart.ts';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'kiln-quickstart-'));
});
afterEach(async () => {
  for (const pid of processesWith(state)) {
    process.kill(pid, 'SIGKILL');
  }
  await clearAway(state);
});

it('leaves nothing behind when it is interrupted in the middle of the build', async () => {
  const run = await quickstart(state);
  await waitFor(() => (/Install the root of the image/.test(run.output()) ? true : undefined), {
    timeoutMs: 300_000,
    describe: () => `the build to begin:\n${run.output()}`,
  });
  await waitFor(
    async () => ((await leftoversIn(state)).some((each) => each.includes('/dev/loop')) ? true : undefined),
    {
      timeoutMs: 60_000,
      describe: () => 'the disk of the build to be there',
    },
  );

  run.child.kill('SIGINT');

  expect(await run.ended, run.output()).not.toBe(0);
  await expectNothingLeftIn(state, run);
  expect(existsSync(join(state, 'service.pid')), run.output()).toBe(false);
});
