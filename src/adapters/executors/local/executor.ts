/**
 * Runs runners on this machine. Each is the first process of a pid namespace of its own, with mounts of its own,
 * in a process group of its own: ending it ends all it started, and it outlives the service that started it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../../../contract/errors.ts';
import type { JobDocument } from '../../../contract/runner.ts';
import type { Executor } from '../../../jobs/executor.ts';
import { type BackgroundCommand, defaultEnvironment, startCommand } from '../../../platform/exec.ts';
import type { Log } from '../../../platform/log.ts';
import { maskerOf } from '../../../platform/secrets.ts';
import { cgroupTree } from './cgroups.ts';
import { formatExecution, type LocalExecution, parseExecution } from './execution.ts';
import { type Outcome, outcomeOfRunner } from './outcome.ts';
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
  /** How Kiln itself is started: the words before `run-job`. */
  readonly entry: readonly string[];
  /** How many jobs run at the same time. */
  readonly concurrency: number;
  /** How long the work of failed jobs is kept. */
  readonly checkpointHours: number;
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
            tellExit(execution, outcomeOfRunner({ exitCode: null, signal: null, tail }));
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
      tellExit(execution, outcomeOfRunner({ ...outcome, tail }));
    } finally {
      await output.close();
    }
  }

  async function spawn(document: JobDocument, output: FileHandle): Promise<BackgroundCommand> {
    const folder = workspaces.folderOf(document.job_id);
    return startCommand(['unshare', ...NAMESPACES, '--', ...options.entry, 'run-job'], {
      cwd: folder,
      env: { ...defaultEnvironment(), [WORKSPACE_VARIABLE]: folder },
      input: JSON.stringify(document),
      outputFd: output.fd,
    });
  }

  async function start(document: JobDocument): Promise<string> {
    const jobId = document.job_id;
    await workspaces.remove(jobId);
    const folder = await workspaces.create(jobId, document.resume?.job_id);
    const output = await open(join(folder, 'runner.log'), 'a+', 0o600);
    let command: BackgroundCommand;
    try {
      command = await spawn(document, output);
    } catch (error) {
      await output.close();
      throw error;
    }
    command.unref();
    // One that has ended at once has no start time any more; its exit is told all the same.
    const startTime = (await processOf(command.pid))?.startTime ?? 'gone';
    const execution = { pid: command.pid, startTime, jobId };
    running.set(jobId, execution);
    follow(command, execution, output, [document.api.token]).catch((error: unknown) =>
      log.error({ err: error, job: jobId }, 'lost sight of a runner'),
    );
    return formatExecution(execution);
  }

  return {
    name: 'local',
    capacity: async () => Math.max(0, options.concurrency - running.size),
    workspaceOf: workspaces.folderOf,
    onExit: (listener) => {
      listeners.push(listener);
    },

    async start(document) {
      try {
        return await start(document);
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
      // `unshare` ignores TERM while it waits for its child, which is the runner.
      const runners = await childrenOf(execution.pid);
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
