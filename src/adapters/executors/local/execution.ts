/** A runner on this machine, as the text by which it is found again after a restart of the service. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { KilnError } from '../../../contract/errors.ts';
import type { ProcessId } from './processes.ts';

export interface LocalExecution extends ProcessId {
  readonly jobId: string;
  /** Whether it carries a job that runs on a build node. */
  readonly carries: boolean;
}

const Execution = Type.Object({
  pid: Type.Integer({ minimum: 2 }),
  startTime: Type.String(),
  jobId: Type.String(),
  carries: Type.Optional(Type.Boolean()),
});

export function formatExecution({ pid, startTime, jobId, carries }: LocalExecution): string {
  return JSON.stringify({ pid, startTime, jobId, carries });
}

/** Throws when the text is not one of ours. */
export function parseExecution(text: string): LocalExecution {
  const value: unknown = JSON.parse(text);
  if (!Value.Check(Execution, value)) {
    throw new KilnError('internal-error', `"${text}" is not a runner of this machine`);
  }
  return { ...value, carries: value.carries ?? false };
}
