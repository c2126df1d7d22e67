/** A runner on this machine, as the text by which it is found again after a restart of the service. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { KilnError } from '../../../contract/errors.ts';
import type { ProcessId } from './processes.ts';

export interface LocalExecution extends ProcessId {
  readonly jobId: string;
}

const Execution = Type.Object({
  pid: Type.Integer({ minimum: 2 }),
  startTime: Type.String(),
  jobId: Type.String(),
});

export function formatExecution({ pid, startTime, jobId }: LocalExecution): string {
  return JSON.stringify({ pid, startTime, jobId });
}

/** Throws when the text is not one of ours. */
export function parseExecution(text: string): LocalExecution {
  const value: unknown = JSON.parse(text);
  if (!Value.Check(Execution, value)) {
    throw new KilnError('internal-error', `"${text}" is not a runner of this machine`);
  }
  return value;
}
