/** The quickstart, as a person runs it, and what it leaves behind on the host. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../src/platform/exec.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { clientOf, commandsAt, freePort, processesWith, type RunningService } from './kiln.ts';
import { mountsWith } from './mounts.ts';

export interface QuickstartRun {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** `state`: the state folder of the service that it starts. */
export async function quickstart(state: string, ...flags: string[]): Promise<QuickstartRun> {
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

/** The service that a quickstart has started and left running. */
export function serviceOf(state: string): RunningService {
  const url = readFileSync(join(state, 'service.url'), 'utf8').trim();
  return {
    url,
    state,
    client: clientOf(url),
    kiln: commandsAt(() => url),
    output: () => readFileSync(join(state, 'service.log'), 'utf8'),
  };
}

/** Mounts, loop devices and processes that have to do with the state folder. */
export async function leftoversIn(state: string): Promise<string[]> {
  const loops = (await runCommand(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE']))
    .stdout;
  return [
    ...(await mountsWith(state)),
    ...loops.split('\n').filter((line) => line.includes(state)),
    ...processesWith(state).map((pid) => `process ${pid}`),
  ];
}

/** Waits until nothing is left, and says what is when it stays. */
export async function expectNothingLeftIn(state: string, run: QuickstartRun): Promise<void> {
  let left: string[] = [];
  await waitFor(
    async () => {
      left = await leftoversIn(state);
      return left.length === 0 ? true : undefined;
    },
    { timeoutMs: 60_000, describe: () => `nothing to be left: ${left.join('\n')}\n${run.output()}` },
  );
}
