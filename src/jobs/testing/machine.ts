/** A machine of runners that do nothing by themselves; it outlives the service, as a real one does. */
import type { JobDocument } from '../../contract/runner.ts';
import type { Executor } from '../executor.ts';

export interface FakeRunner {
  readonly execution: string;
  readonly document: JobDocument;
  readonly place: string | null;
  alive: boolean;
  /** Whether it ends when it is asked to; one that does not is killed after its grace time. */
  stopped: boolean;
}

export interface Machine {
  readonly runners: FakeRunner[];
  readonly released: string[];
  /** An executor for a new service process; an earlier one hears nothing any more. */
  boot(): Executor;
  kill(runner: FakeRunner, tail?: string[]): void;
  runnerOf(jobId: string): FakeRunner | undefined;
  /** Called when a runner was started, before the service knows its execution. */
  onStart: (runner: FakeRunner) => void;
  /** What `release` throws, as long as it is set. */
  releaseError: Error | undefined;
}

type ExitListener = Parameters<Executor['onExit']>[0];

export function createMachine(slots = 1): Machine {
  let listener: ExitListener = () => {};
  const runners: FakeRunner[] = [];
  const find = (execution: string) => runners.find((runner) => runner.execution === execution);
  const alive = () => runners.filter((runner) => runner.alive);

  const machine: Machine = {
    runners,
    released: [],
    onStart: () => {},
    releaseError: undefined,
    runnerOf: (jobId) => runners.findLast((runner) => runner.document.job_id === jobId),
    kill(runner, tail = []) {
      if (runner.alive) {
        runner.alive = false;
        listener(runner.document.job_id, { exitCode: null, signal: 'SIGKILL', tail });
      }
    },
    boot() {
      listener = () => {};
      return {
        name: 'fake',
        capacity: async () => slots - alive().length,
        workspaceOf: (jobId) => `/nowhere/${jobId}`,
        async start(document, place) {
          const runner = { execution: `run-${runners.length}`, document, place, alive: true, stopped: false };
          runners.push(runner);
          machine.onStart(runner);
          return runner.execution;
        },
        isAlive: async (execution) => find(execution)?.alive ?? false,
        async stop(execution) {
          const runner = find(execution);
          if (runner !== undefined) {
            runner.stopped = true;
            machine.kill(runner);
          }
        },
        async release(jobId) {
          if (machine.releaseError !== undefined) {
            throw machine.releaseError;
          }
          for (const runner of alive().filter((each) => each.document.job_id === jobId)) {
            machine.kill(runner);
          }
          machine.released.push(jobId);
        },
        async sweep(live) {
          const orphans = alive().filter((each) => !live.has(each.document.job_id));
          for (const runner of orphans) {
            machine.kill(runner);
          }
          return orphans.map((runner) => runner.document.job_id);
        },
        onExit(next) {
          listener = next;
        },
      };
    },
  };
  return machine;
}
