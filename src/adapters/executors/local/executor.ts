/**
 * Runs runners on this machine. Each is the first process of a pid namespace of its own, with mounts of its own,
 * in a process group of its own: ending it ends all it started, and it outlives the service that started it. For a job on a
 * build node it runs a carrier instead, which stands for the runner there.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../../../contract/errors.ts';
import type { JobDocument } from '../../../contract/runner.ts';
import type { Executor } from '../../../jobs/executor.ts';
import {
  type BackgroundCommand,
  defaultEnvironment,
  NODE_VARIABLE,
  nodeProgram,
  startCommand,
} from '../../../platform/exec.ts';
import type { Log } from '../../../platform/log.ts';
import { maskerOf } from '../../../platform/secrets.ts';
import { cgroupTree } from './cgroups.ts';
import { formatExecution, type LocalExecution, parseExecution } from './execution.ts';
import { type Outcome, outcomeOfCarrier, outcomeOfRunner } from './outcome.ts';
import { areGone, childrenOf, isRunning, type ProcessId, processOf, sendSignal } from './processes.ts';
import { tailOf } from './tail.ts';
import { createWorkspaces, WORKSPACE_VARIABLE } from './workspaces.ts';

const NAMESPACES = [
  '--mount',
  '--propagation',
  'private',
  '--pid',
  '--fork',
  '--kill-child=KILL',
  '--mount-proc',
];
const KILLED_MS = 10_000;
/** How often a runner is looked at that an earlier process of the service started. */
const ADOPTED_POLL_MS = 500;

export interface LocalExecutorOptions {
  readonly stateFolder: string;
  /** How the runner is started: the words before `run-job`. */
  readonly entry: readonly string[];
  /** How many jobs run at the same time. */
  readonly concurrency: number;
  /** How long the work of failed jobs is kept. */
  readonly checkpointHours: number;
  /** The words that start a carrier, and what it is told; none where there are no build nodes. */
  readonly carriage?: (
    document: JobDocument,
    place: string,
  ) => Promise<{ readonly words: readonly string[]; readonly input: string }>;
  /** The one cgroup hierarchy to look at, instead of all that are mounted. */
  readonly cgroupRoot?: string;
  readonly log: Log;
}

type ExitListener = Parameters<Executor['onExit']>[0];

export function createLocalExecutor(options: LocalExecutorOptions): Executor {
  const { log } = options;
  const workspaces = createWorkspaces(
    options.stateFolder,
    cgroupTree(options.cgroupRoot),
    options.checkpointHours,
  );
  /** Runners of which `onExit` has still to tell, by job. */
  const running = new Map<string, LocalExecution>();
  const listeners: ExitListener[] = [];

  function tellExit(execution: LocalExecution, outcome: Outcome): void {
    if (running.get(execution.jobId)?.pid === execution.pid) {
      running.delete(execution.jobId);
      for (const listener of listeners) {
        listener(execution.jobId, outcome);
      }
    }
  }

  /** A runner of an earlier process is not our child: nobody tells us when it ends. */
  function adopt(execution: LocalExecution): void {
    running.set(execution.jobId, execution);
    const timer = setInterval(() => {
      isRunning(execution)
        .then(async (alive) => {
          if (!alive) {
            clearInterval(timer);
            const tail = await readTail(workspaces.folderOf(execution.jobId));
            tellExit(execution, outcomeOf(execution, { exitCode: null, signal: null, tail }));
          }
        })
        .catch((error: unknown) => log.error({ err: error, job: execution.jobId }, 'lost sight of a runner'));
    }, ADOPTED_POLL_MS);
    timer.unref();
  }

  async function follow(
    command: BackgroundCommand,
    execution: LocalExecution,
    output: FileHandle,
    secrets: string[],
  ): Promise<void> {
    try {
      const outcome = await command.ended;
      const tail = (await tailOf(output)).map(maskerOf(secrets));
      tellExit(execution, outcomeOf(execution, { ...outcome, tail }));
    } finally {
      await output.close();
    }
  }

  async function spawn(
    document: JobDocument,
    place: string | null,
    output: FileHandle,
  ): Promise<BackgroundCommand> {
    const folder = workspaces.folderOf(document.job_id);
    const { words, input } = await commandFor(document, place);
    return startCommand(words, {
      cwd: folder,
      env: { ...defaultEnvironment(), [NODE_VARIABLE]: nodeProgram(), [WORKSPACE_VARIABLE]: folder },
      input,
      outputFd: output.fd,
    });
  }

  async function commandFor(document: JobDocument, place: string | null) {
    if (place === null) {
      const words = ['unshare', ...NAMESPACES, '--', ...options.entry, 'run-job'];
      return { words, input: JSON.stringify(document) };
    }
    if (options.carriage === undefined) {
      throw new KilnError('no-node', `nothing carries jobs to ${place} here`);
    }
    return await options.carriage(document, place);
  }

  async function start(document: JobDocument, place: string | null): Promise<string> {
    const jobId = document.job_id;
    await workspaces.remove(jobId);
    // What is kept for a job on a build node is there.
    const resumed = place === null ? document.resume?.job_id : undefined;
    const folder = await workspaces.create(jobId, resumed);
    const output = await open(join(folder, 'runner.log'), 'a+', 0o600);
    let command: BackgroundCommand;
    try {
      command = await spawn(document, place, output);
    } catch (error) {
      await output.close();
      throw error;
    }
    // Whoever started it may be gone before it has read all.
    await command.fed;
    command.unref();
    // One that has ended at once has no start time any more; its exit is told all the same.
    const startTime = (await processOf(command.pid))?.startTime ?? 'gone';
    const execution = { pid: command.pid, startTime, jobId, carries: place !== null };
    running.set(jobId, execution);
    follow(command, execution, output, [document.api.token]).catch((error: unknown) =>
      log.error({ err: error, job: jobId }, 'lost sight of a runner'),
    );
    return formatExecution(execution);
  }

  return {
    name: 'local',
    capacity: async () => {
      const here = [...running.values()].filter(({ carries }) => !carries);
      return Math.max(0, options.concurrency - here.length);
    },
    workspaceOf: workspaces.folderOf,
    onExit: (listener) => {
      listeners.push(listener);
    },

    async start(document, place) {
      try {
        return await start(document, place);
      } catch (error) {
        if (error instanceof KilnError) {
          throw error;
        }
        // What is there of it by now goes with the release that follows on the end of every job.
        const detail = error instanceof Error ? error.message : String(error);
        throw new KilnError('runner-could-not-start', detail, { cause: error });
      }
    },

    async isAlive(text) {
      const execution = parseExecution(text);
      const alive = await isRunning(execution);
      if (alive && !running.has(execution.jobId)) {
        adopt(execution);
      }
      return alive;
    },

    async stop(text, graceSeconds) {
      const execution = parseExecution(text);
      if (!(await isRunning(execution))) {
        return;
      }
      // `unshare` ignores TERM while it waits for its child, which is the runner; a carrier has it done where it runs.
      const runners = execution.carries ? [execution] : await childrenOf(execution.pid);
      signalAll(runners, 'SIGTERM');
      if (graceSeconds > 0 && (await areGone([execution], graceSeconds * 1000))) {
        return;
      }
      signalAll([...runners, execution], 'SIGKILL');
      if (!(await areGone([execution, ...runners], KILLED_MS))) {
        throw new Error(`the runner of job ${execution.jobId} does not end`);
      }
    },

    async release(jobId) {
      await workspaces.remove(jobId);
      await workspaces.prune();
    },

    async sweep(liveJobIds) {
      await workspaces.prune();
      const swept: string[] = [];
      for (const jobId of await workspaces.list()) {
        if (!liveJobIds.has(jobId)) {
          await workspaces.remove(jobId);
          swept.push(jobId);
        }
      }
      return swept;
    },
  };
}

function outcomeOf({ carries }: LocalExecution, outcome: Outcome): Outcome {
  return carries ? outcomeOfCarrier(outcome) : outcomeOfRunner(outcome);
}

function signalAll(processes: readonly ProcessId[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    sendSignal(pid, signal);
  }
}

/** What a runner wrote that is gone may be gone too. */
async function readTail(folder: string): Promise<string[]> {
  try {
    const output = await open(join(folder, 'runner.log'), 'r');
    try {
      return (await tailOf(output)).map(maskerOf([]));
    } finally {
      await output.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}
