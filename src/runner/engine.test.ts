import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { SandboxResult, Workspace } from '../builder/sandbox.ts';
import { KilnError } from '../contract/errors.ts';
import type { StepState } from '../contract/jobs.ts';
import { GIB } from '../platform/bytes.ts';
import { CommandError } from '../platform/exec.ts';
import { createEngine, JobFailure } from './engine.ts';
import { createRunnerHttp } from './http.ts';
import type { StepContext } from './step.ts';
import { testDocument } from './testing/document.ts';

function resultOf(also: Partial<SandboxResult>): SandboxResult {
  return {
    command: 'kiwi-ng system prepare',
    exitCode: 1,
    signal: null,
    stdout: '',
    tail: [],
    timedOut: false,
    aborted: false,
    durationMs: 1,
    outOfMemory: false,
    ...also,
  };
}

/** An engine over a workspace of which only the results of its commands matter. */
function engineOf(options: { result?: Partial<SandboxResult>; freeBytes?: number; deadline?: number } = {}) {
  const states: [string, StepState][] = [];
  const stop = new AbortController();
  const nothing = async () => {};
  const workspace: Workspace = {
    makeFolder: nothing,
    removeFolder: nothing,
    openOverlay: () => Promise.reject(new Error('nothing is mounted here')),
    writeFile: nothing,
    close: nothing,
    hostPath: (folder) => folder,
    run: async () => resultOf(options.result ?? {}),
    whilePaused: (work) => work(),
    usage: async () => ({ freeBytes: options.freeBytes ?? 5 * GIB, totalBytes: 10 * GIB }),
  };
  const run = createEngine({
    document: testDocument({
      workspace: tmpdir(),
      deadlines: { default: 60, prepare: options.deadline ?? 60 },
    }),
    workspace,
    reporter: {
      desk: { tell: () => {}, wishes: () => ({}) },
      log: () => {},
      step: (name, state) => states.push([name, state]),
    },
    http: createRunnerHttp(testDocument()),
    stop: stop.signal,
    patienceMs: 50,
  });
  return { run, stop, states };
}

const command = { argv: ['kiwi-ng'], binds: [], network: 'none' } as const;
const failing = {
  name: 'prepare',
  async run(context: StepContext) {
    const result = await context.workspace.run(command);
    throw new CommandError(result, 'ended with code 1');
  },
} as const;
const hanging = {
  name: 'prepare',
  run: (context: StepContext) =>
    new Promise<void>((_, reject) => {
      context.signal.addEventListener('abort', () => reject(new Error('killed')));
    }),
} as const;

async function reasonOf(running: Promise<unknown>) {
  const error = await running.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(JobFailure);
  return error instanceof JobFailure ? error.reason : undefined;
}

describe('an engine', () => {
  it('gives the output of a step and tells its states', async () => {
    const { run, states } = engineOf();

    const output = await run({ name: 'fetch', run: async (_, input: number) => input + 1 }, 1);

    expect(output).toBe(2);
    expect(states).toEqual([
      ['fetch', 'running'],
      ['fetch', 'done'],
    ]);
  });

  it('gives the error of a step as the reason, with what a person can do', async () => {
    const { run, states } = engineOf();
    const items = [{ message: 'expected </image>', file: 'config.xml', line: 7 }];

    const reason = await reasonOf(
      run(
        {
          name: 'validate',
          run: async () => {
            throw new KilnError('recipe-xml-malformed', 'line 7', { items });
          },
        },
        undefined,
      ),
    );

    expect(reason).toMatchObject({ code: 'recipe-xml-malformed', step: 'validate', errors: items });
    expect(reason?.hint).not.toBe('');
    expect(states.at(-1)).toEqual(['validate', 'failed']);
  });

  it('names the command that failed', async () => {
    const reason = await reasonOf(engineOf().run(failing, undefined));

    expect(reason).toMatchObject({ code: 'step-failed', command: 'kiwi-ng system prepare' });
  });

  it('blames memory when the kernel killed a process for it', async () => {
    const { run } = engineOf({ result: { outOfMemory: true } });

    const reason = await reasonOf(run(failing, undefined));

    expect(reason).toMatchObject({ code: 'job-out-of-memory', step: 'prepare' });
    expect(reason?.detail).toContain('8 GiB');
  });

  it.each([
    ['has next to nothing left', { freeBytes: 1_000_000 }],
    ['is what the tool complains of', { result: { tail: ['cp: write error: No space left on device'] } }],
  ])('blames the disk when it %s', async (_, options) => {
    const reason = await reasonOf(engineOf(options).run(failing, undefined));

    expect(reason).toMatchObject({ code: 'workspace-full' });
    expect(reason?.detail).toContain('10 GiB');
  });

  it('holds a step to its deadline', async () => {
    const reason = await reasonOf(engineOf({ deadline: 0.05 }).run(hanging, undefined));

    expect(reason).toMatchObject({ code: 'step-deadline', step: 'prepare' });
  });

  it('leaves a step behind that does not heed its signal', async () => {
    const deaf = { name: 'prepare', run: () => new Promise<void>(() => {}) } as const;

    const reason = await reasonOf(engineOf({ deadline: 0.05 }).run(deaf, undefined));

    expect(reason).toMatchObject({ code: 'step-deadline' });
  });

  it('gives the reason of the stop when the job is stopped', async () => {
    const { run, stop } = engineOf();
    const running = reasonOf(run(hanging, undefined));

    stop.abort(new KilnError('job-cancelled', 'The job was cancelled'));

    expect(await running).toMatchObject({ code: 'job-cancelled', step: 'prepare' });
  });

  it('starts no step when the job has been stopped', async () => {
    const { run, stop } = engineOf();
    stop.abort(new KilnError('job-fenced', 'replaced'));

    const reason = await reasonOf(run(failing, undefined));

    expect(reason).toMatchObject({ code: 'job-fenced' });
  });
});
