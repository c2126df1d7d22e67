/**
 * Runs one of Kiln's own Python scripts in the sandbox: the script comes from this package, never from a folder
 * that something in the sandbox could write to, and what it prints is parsed into a type at once.
 */
import { readFile } from 'node:fs/promises';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { inMachine } from '../builder/emulation.ts';
import type { SandboxCommand } from '../builder/sandbox.ts';
import type { Architecture } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { CommandError } from '../platform/exec.ts';
import { packageFile } from '../platform/package-root.ts';
import type { StepContext } from './step.ts';

const FOLDER = '/usr/local/kiln';

export interface ScriptCommand extends Pick<SandboxCommand, 'binds' | 'input' | 'files' | 'onLine'> {
  /** File name in src/runner/scripts. */
  readonly script: string;
  /** Scripts that it runs itself, of the same folder. */
  readonly beside?: readonly string[];
  readonly args: readonly string[];
  /** Of the image, when programs of it are started. */
  readonly machine?: Architecture;
  /** `none` unless given. */
  readonly network?: SandboxCommand['network'];
}

/** The script as a command of the sandbox. */
export async function scriptCommand(command: ScriptCommand): Promise<SandboxCommand> {
  const { script, beside = [], args, machine, files = {}, ...rest } = command;
  const scripts = await Promise.all([script, ...beside].map(scriptFile));
  const plain: SandboxCommand = {
    argv: ['python3', '-I', `${FOLDER}/${script}`, ...args],
    files: { ...files, ...Object.fromEntries(scripts) },
    network: 'none',
    ...rest,
  };
  return machine === undefined ? plain : await inMachine(machine, plain);
}

async function scriptFile(name: string): Promise<[string, string]> {
  const text = await readFile(packageFile('src', 'runner', 'scripts', name), 'utf8');
  return [`${FOLDER}/${name}`, text];
}

/** Runs a script and gives what it printed. Throws `CommandError`, or `step-failed` when that is not as agreed. */
export async function runScript<T extends TSchema>(
  context: StepContext,
  schema: T,
  command: ScriptCommand,
): Promise<Static<T>> {
  const result = await context.workspace.run({
    ...(await scriptCommand(command)),
    signal: context.signal,
    onLine: (line, stream) => {
      if (stream === 'stderr') {
        context.log(line);
      }
    },
  });
  if (result.exitCode !== 0) {
    throw new CommandError(result, `ended with code ${result.exitCode}`);
  }
  const answer = parseJson(result.stdout);
  if (!Value.Check(schema, answer)) {
    throw new KilnError('step-failed', `${command.script} answered something else than was agreed`);
  }
  return answer;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
