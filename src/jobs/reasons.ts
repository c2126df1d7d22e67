/** Why a job ended without an image, in the shape that clients are shown. */
import { ERROR_CATALOGUE, type ErrorCode, KilnError } from '../contract/errors.ts';
import type { JobReason } from '../contract/jobs.ts';
import { maskerOf } from '../platform/secrets.ts';
import { stepInProgress } from './states.ts';
import type { StoredJob } from './store.ts';

const mask = maskerOf([]);

/** A reason of the catalogue; the step is the one that the job was at. */
export function reasonFor(code: ErrorCode, detail: string, job: StoredJob): JobReason {
  const { title, hint } = ERROR_CATALOGUE[code];
  return { code, title, detail: mask(detail), hint, step: stepInProgress(job.steps)?.name ?? null };
}

/** The reason that a thrown error gives; one that is not ours gets the code `otherwise`. */
export function reasonOfError(error: unknown, otherwise: ErrorCode, job: StoredJob): JobReason {
  if (!(error instanceof KilnError)) {
    return reasonFor(otherwise, error instanceof Error ? error.message : String(error), job);
  }
  const reason = reasonFor(error.code, error.message, job);
  return error.items.length === 0 ? reason : { ...reason, errors: [...error.items] };
}

/** Adds the last output of a runner to what happened, when there is some. */
export function withTail(detail: string, tail: readonly string[]): string {
  return tail.length === 0 ? detail : `${detail}. The last lines of its output:\n${tail.join('\n')}`;
}
