/**
 * Kiln as a user has it: the built `kiln` program, its service in a state folder of its own, and what it leaves
 * behind on the host. Builder roots come from the shared cache, so that no test makes one again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupTree } from '../../src/adapters/executors/local/cgroups.ts';
import { createWorkspaces } from '../../src/adapters/executors/local/workspaces.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import { type CommandResult, defaultEnvironment, runCommand } from '../../src/platform/exec.ts';
import { PACKAGE_ROOT } from '../../src/platform/package-root.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { checkedFetch } from './checked-fetch.ts';
import { mountsWith } from './mounts.ts';

export const KILN = join(PACKAGE_ROOT, 'bin', 'kiln');

/** One that runs, whoever started it. */
export interface RunningService {
  readonly url: string;
  readonly state: string;
  readonly client: KilnClient;
  /** Runs `kiln ARGS` against this service. */
  kiln(args: readonly string[], options?: { timeoutMs?: number; input?: string }): Promise<CommandResult>;
  /** What the service wrote so far. */
  output(): string;
}

export interface TestService extends RunningService {
  readonly pid: number;
  /** Ends the service the hard way; the state folder stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and state. */
  restart(): Promise<void>;
  /** Stops it, waits for its runners to be gone, removes the state folder. */
  close(): Promise<void>;
}

export const clientOf = (url: string): KilnClient => createClient({ baseUrl: url, fetch: checkedFetch });

/** Runs `kiln ARGS` against the service that is there now. */
export const commandsAt =
  (url: () => string): RunningService['kiln'] =>
  (args, options = {}) =>
    runCommand([KILN, ...args], {
      env: { ...environment(), KILN_SERVER: url() },
      timeoutMs: 600_000,
      ...options,
    });

/** The port at which a service has packages for nodes. */
export function packagesPortOf(service: RunningService): number {
  const [, port] = /Packages at https:\/\/[^:]+:(\d+)\//.exec(service.output()) ?? [];
  if (port === undefined) {
    throw new Error(`no port of packages in:\n${service.output()}`);
  }
  return Number(port);
}

/** Starts a service with these settings (`option.name` → value) on a port that the system chooses. */
export async function startService(settings: Record<string, string> = {}): Promise<TestService> {
  const state = await mkdtemp(join(tmpdir(), 'kiln-e2e-'));
  let output = '';
  let child: ChildProcess;
  let url = '';

  const start = async (port: string) => {
    const flags = Object.entries({
      'state.folder': state,
      'server.port': port,
      'packages.port': '0',
      ...settings,
    });
    child = spawn(
      KILN,
      ['serve', ...flags.flatMap(([name, value]) => [`--${name.replaceAll(/[._]/g, '-')}`, value])],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: environment(),
      },
    );
    let stdout = '';
    const started = child;
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    url = await waitFor(
      () => {
        if (started.exitCode !== null) {
          throw new Error(`kiln serve ended with code ${started.exitCode}:\n${output}`);
        }
        return /listens on (http:\S+)/.exec(stdout)?.[1];
      },
      { timeoutMs: 60_000, describe: () => `kiln serve to listen; it wrote:\n${output}` },
    );
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
    }
  };
  await start(String(await freePort()));

  const service: TestService = {
    get url() {
      return url;
    },
    state,
    get pid() {
      return child.pid ?? 0;
    },
    get client() {
      return clientOf(url);
    },
    kiln: commandsAt(() => url),
    kill: () => end('SIGKILL'),
    restart: () => start(new URL(url).port),
    output: () => output,
    async close() {
      await end('SIGTERM');
      await clearAway(state);
    },
  };
  return service;
}

/** Removes the state folder of a service that has ended, and what runs for it: a runner outlives its service. */
export async function clearAway(state: string): Promise<void> {
  const workspaces = createWorkspaces(state, cgroupTree(), 1);
  for (const jobId of await workspaces.list()) {
    await workspaces.remove(jobId);
  }
  const left = () => [...processesWith(state), ...runnersBelow(state)];
  await waitFor(() => (left().length === 0 ? true : undefined), {
    timeoutMs: 60_000,
    describe: () => `processes of ${state} to end: ${left().map(commandLineOf).join('; ')}`,
  });
  await rm(state, { recursive: true, force: true });
}

/** Outside the range from which the system takes ports for connections, so that it is still free after a restart. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) {
      return port;
    }
  }
}

/** The most that a process had resident so far, in bytes. */
export async function peakMemoryBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

function environment(): Record<string, string> {
  const cache = process.env['KILN_CACHE_FOLDER'];
  return {
    ...defaultEnvironment(),
    PATH: process.env['PATH'] ?? '',
    ...(cache ? { KILN_CACHE_FOLDER: cache } : {}),
  };
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Processes of the host that have this text in their command line, or their working folder below it. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(
      (pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid && commandLineOf(pid).includes(text),
    );
}

export interface Leftovers {
  mounts: string[];
  loops: string[];
  cgroups: string[];
  processes: string[];
  files: string[];
}

/** Everything on this host that still belongs to a job of this service. */
export async function leftoversOf(service: RunningService, jobId: string): Promise<Leftovers> {
  const losetup = await runCommand(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
  const cgroups = await runCommand(['find', '/sys/fs/cgroup', '-type', 'd', '-path', `*${jobId}*`]);
  const workspaces = await runCommand([
    'find',
    join(service.state, 'workspaces'),
    '-mindepth',
    '1',
    '-path',
    `*${jobId}*`,
  ]);
  return {
    mounts: await mountsWith(jobId),
    loops: losetup.stdout.split('\n').filter((line) => line.includes(jobId)),
    cgroups: cgroups.stdout.split('\n').filter((line) => line !== ''),
    processes: processesWith(jobId).map(commandLineOf),
    files: workspaces.stdout.split('\n').filter((line) => line !== ''),
  };
}

/** Waits until nothing of the job is left, and says what is when it stays. */
export async function expectNothingLeft(service: RunningService, jobId: string): Promise<void> {
  let left: Leftovers | undefined;
  await waitFor(
    async () => {
      left = await leftoversOf(service, jobId);
      return Object.values(left).every((list) => list.length === 0) ? true : undefined;
    },
    {
      timeoutMs: 60_000,
      intervalMs: 200,
      describe: () => `job ${jobId} to leave nothing: ${JSON.stringify(left, null, 2)}`,
    },
  );
}

/** Process id of the runner of a job, as the host sees it; the runner itself believes that it is process 1. */
export function runnerOf(service: TestService, jobId: string): number | undefined {
  return runnersBelow(join(service.state, 'workspaces', jobId))[0];
}

/** Runners whose workspace is this folder or below it, by the variable that the executor gives them. */
function runnersBelow(folder: string): number[] {
  return processesWith('run-job').filter((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const ids = /^NSpid:\s+(.*)$/m
        .exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        ?.trim()
        .split(/\s+/);
      return ids?.at(-1) === '1' && environment.some((entry) => entry.startsWith(`KILN_WORKSPACE=${folder}`));
    } catch {
      // It ended while it was looked at.
      return false;
    }
  });
}
