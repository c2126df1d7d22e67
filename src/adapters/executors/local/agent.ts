/**
 * The local executor without a service: what a build node is told over SSH. The node remembers nothing; who tells it knows which
 * runner is meant.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobDocument } from '../../../contract/runner.ts';
import type { Executor } from '../../../jobs/executor.ts';
import type { Log } from '../../../platform/log.ts';
import { waitFor } from '../../../platform/wait.ts';
import { createLocalExecutor } from './executor.ts';
import { processesWith } from './processes.ts';
import { WORKSPACE_VARIABLE } from './workspaces.ts';

export interface AgentOptions {
  readonly folder: string;
  /** How the runner is started: the words before `run-job`. */
  readonly entry: readonly string[];
  readonly checkpointHours: number;
  readonly log: Log;
}

export interface Agent {
  /** Gives the text by which the runner is found again. */
  start(document: JobDocument): Promise<string>;
  /** Returns when the runner has ended; gives the last lines that it wrote. */
  follow(execution: string): Promise<readonly string[]>;
  stop(execution: string, graceSeconds: number): Promise<void>;
  release(jobId: string): Promise<void>;
  /** Releases what is left of other jobs than these; when none is left, also removes what was sent once and is not wanted any more. */
  sweep(wanted: { readonly files: ReadonlySet<string>; readonly jobs: ReadonlySet<string> }): Promise<void>;
}

/** A job runs for hours. */
const LONGEST_MS = 2_000_000_000;
const POLL_MS = 300;
/** A job may have been started since it was said which ones there are. */
const YOUNG_MS = 60_000;

export function createAgent({ folder, ...options }: AgentOptions): Agent {
  const executor: Executor = createLocalExecutor({ ...options, stateFolder: folder, concurrency: 1_000 });
  return {
    start: (document) => executor.start(document, null),
    async follow(execution) {
      let tail: readonly string[] = [];
      executor.onExit((_jobId, outcome) => {
        tail = outcome.tail;
      });
      await waitFor(async () => ((await executor.isAlive(execution)) ? undefined : true), {
        timeoutMs: LONGEST_MS,
        intervalMs: POLL_MS,
        describe: () => 'a runner to end',
      });
      return tail;
    },
    stop: (execution, graceSeconds) => executor.stop(execution, graceSeconds),
    release: (jobId) => executor.release(jobId),
    async sweep({ files, jobs }) {
      for (const kind of ['workspaces', 'links']) {
        for (const jobId of await namesIn(join(folder, kind))) {
          const path = join(folder, kind, jobId);
          if (!jobs.has(jobId) && !(await isInUse(join(folder, 'workspaces', jobId), path))) {
            await executor.release(jobId);
            await rm(path, { recursive: true, force: true });
          }
        }
      }
      if ((await namesIn(join(folder, 'workspaces'))).length > 0) {
        return;
      }
      for (const kind of ['files', 'runners']) {
        for (const name of (await namesIn(join(folder, kind))).filter((each) => !files.has(each))) {
          await rm(join(folder, kind, name), { recursive: true, force: true });
        }
      }
    },
  };
}

/** A job may have come after it was said which ones there are; its runner gives up by itself when nobody wants it. */
async function isInUse(workspace: string, path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs < YOUNG_MS || (await processesWith(WORKSPACE_VARIABLE, workspace)).length > 0;
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return [];
    }
    throw error;
  });
}
