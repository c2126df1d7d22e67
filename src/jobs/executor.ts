/**
 * The port to what runs runners: this machine, another one over SSH, Kubernetes, Slurm. An executor says where,
 * never what: it hands the job document to `runner.js run-job` and owns everything that this leaves behind.
 */
import type { JobDocument } from '../contract/runner.ts';

export interface Executor {
  readonly name: string;
  /** How many more jobs it can take right now. */
  capacity(): Promise<number>;
  /** Folder that is the job's own on the machine where it will run. */
  workspaceOf(jobId: string): string;
  /**
   * Starts a runner here or on a build node; the text it gives finds that runner again after a restart of the service.
   */
  start(document: JobDocument, place: string | null): Promise<string>;
  isAlive(execution: string): Promise<boolean>;
  /** Asks the runner to stop, ends it after `graceSeconds`, and returns when it is gone. */
  stop(execution: string, graceSeconds: number): Promise<void>;
  /** Removes every process, mount, loop device, cgroup and file of the job. Safe to repeat. */
  release(jobId: string): Promise<void>;
  /** Releases what belongs to none of these jobs, left by a crash. Gives the ids of the jobs it released. */
  sweep(liveJobIds: ReadonlySet<string>): Promise<string[]>;
  /** Called once for a runner that has ended, with the last lines that it wrote to no log of its own. */
  onExit(
    listener: (
      jobId: string,
      outcome: {
        exitCode: number | null;
        signal: string | null;
        tail: string[];
        /** What is known of a build node that was lost with it. */
        lost?: string;
      },
    ) => void,
  ): void;
}
