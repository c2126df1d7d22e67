/** The verdict of a script that looked at a recipe: what it found, or why the recipe cannot be built. */
import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { isErrorCode, KilnError } from '../../contract/errors.ts';
import { ProblemItem } from '../../contract/problem.ts';
import { runScript, type ScriptCommand } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';

const Verdict = Type.Union([
  Type.Object({ ok: Type.Unknown() }),
  Type.Object({
    error: Type.Object({ code: Type.String(), detail: Type.String(), items: Type.Array(ProblemItem) }),
  }),
]);

/** Runs the script; gives what is under `ok`, or throws the error that is under `error`. */
export async function judge<T extends TSchema>(
  context: StepContext,
  schema: T,
  command: ScriptCommand,
): Promise<Static<T>> {
  const verdict = await runScript(context, Verdict, command);
  if ('error' in verdict) {
    const { code, detail, items } = verdict.error;
    throw new KilnError(isErrorCode(code) ? code : 'step-failed', detail, { items });
  }
  if (!Value.Check(schema, verdict.ok)) {
    throw new KilnError('step-failed', `${command.script} answered something else than was agreed`);
  }
  return verdict.ok;
}
