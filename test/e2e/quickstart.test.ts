/** The quickstart, as a person runs it: to the end, and interrupted in the middle of the build. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/exec.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { freePort, processesWith } from '../support/kiln.ts';
import { mountsWith } from '../support/mounts.ts';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'kiln-quickstart-'));
});
afterEach(async () => {
  for (const pid of processesWith(state)) {
    process.kill(pid, 'SIGKILL');
  }
  await rm(state, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

async function quickstart(...flags: string[]): Promise<Run> {
  const script = packageFile('scripts', 'quickstart.mjs');
  const port = String(await freePort());
  const child = spawn(process.execPath, [script, '--state-folder', state, '--port', port, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  return {
    child,
    output: () => output,
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
  };
}

/** Mounts, loop devices and processes that have to do with the state folder. */
async function leftovers(): Promise<string[]> {
  const loops = (await runCommand(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE']))
    .stdout;
  return [
    ...(await mountsWith(state)),
    ...loops.split('\n').filter((line) => line.includes(state)),
    ...processesWith(state).map((pid) => `process ${pid}`),
  ];
}

async function expectNothingLeft(run: Run): Promise<void> {
  let left: string[] = [];
  await waitFor(
    async () => {
      left = await leftovers();
      return left.length === 0 ? true : undefined;
    },
    { timeoutMs: 60_000, describe: () => `nothing to be left: ${left.join('\n')}\n${run.output()}` },
  );
}

describe('the quickstart', () => {
  it('builds the first image, says what it made and how to go on, and ends the service when told to', async () => {
    const run = await quickstart('--stop-after');

    expect(await run.ended, run.output()).toBe(0);

    const text = run.output();
    const [, id] = /^Image ([0-9a-f-]{36}) \(debian-barebones\) is published\.$/m.exec(text) ?? [];
    expect(id, text).toBeDefined();
    for (const name of ['rootfs', 'kernel', 'initrd']) {
      expect(text).toMatch(
        new RegExp(
          `s3://boot-images/${id}/${name} +[\\d.]+ MiB\\n +sha256 [0-9a-f]{64}\\n +md5 +[0-9a-f]{32}`,
        ),
      );
    }
    for (const line of [
      /builder root: yes/,
      /Install the root of the image/,
      /Start the service again with/,
    ]) {
      expect(text).toMatch(line);
    }
    await expectNothingLeft(run);
  });

  it('leaves nothing behind when it is interrupted in the middle of the build', async () => {
    const run = await quickstart();
    await waitFor(() => (/Install the root of the image/.test(run.output()) ? true : undefined), {
      timeoutMs: 300_000,
      describe: () => `the build to begin:\n${run.output()}`,
    });
    await waitFor(
      async () => ((await leftovers()).some((each) => each.includes('/dev/loop')) ? true : undefined),
      {
        timeoutMs: 60_000,
        describe: () => 'the disk of the build to be there',
      },
    );

    run.child.kill('SIGINT');

    expect(await run.ended, run.output()).not.toBe(0);
    await expectNothingLeft(run);
    expect(existsSync(join(state, 'service.pid')), run.output()).toBe(false);
  });
});
