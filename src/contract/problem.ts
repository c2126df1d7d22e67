/** Problem documents (RFC 9457): the only shape in which an error leaves the service. */
import { type Static, Type } from 'typebox';
import { named } from './common.ts';
import { type ErrorCode, isErrorCode, KilnError } from './errors.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export const ProblemItem = named(
  'ProblemItem',
  Type.Object(
    {
      message: Type.String({ description: 'What is wrong, in one sentence' }),
      pointer: Type.Optional(Type.String({ description: 'JSON pointer to the field of the request' })),
      file: Type.Optional(Type.String({ description: 'File of the recipe, relative to its top' })),
      line: Type.Optional(Type.Integer({ description: 'Line of that file, counted from 1' })),
      expected: Type.Optional(Type.String({ description: 'What would have been right' })),
    },
    { additionalProperties: false, description: 'One thing that is wrong, and where' },
  ),
);

export const Problem = named(
  'Problem',
  Type.Object(
    {
      type: Type.String({ description: 'urn:kiln:error: and the code' }),
      code: Type.String({ description: 'Stable code of the error catalogue' }),
      status: Type.Integer({ description: 'HTTP status' }),
      title: Type.String({ description: 'What kind of failure this is' }),
      detail: Type.String({ description: 'What happened this time' }),
      hint: Type.String({ description: 'What to do about it' }),
      instance: Type.Optional(
        Type.String({ description: 'Id of the request, found again in the service log' }),
      ),
      errors: Type.Optional(Type.Array(ProblemItem, { description: 'The single things that are wrong' })),
    },
    { additionalProperties: false, description: 'Why a request failed (RFC 9457)' },
  ),
);
export type Problem = Static<typeof Problem>;

export function problemOf(error: KilnError, instance?: string): Problem {
  const entry = error.entry;
  return {
    type: `urn:kiln:error:${error.code}`,
    code: error.code,
    status: entry.status,
    title: entry.title,
    detail: error.message,
    hint: entry.hint,
    ...(instance === undefined ? {} : { instance }),
    ...(error.items.length === 0 ? {} : { errors: [...error.items] }),
  };
}

/** The error that a problem document told of; a code that this version does not know becomes `internal-error`. */
export function errorOf(problem: Problem): KilnError {
  const code: ErrorCode = isErrorCode(problem.code) ? problem.code : 'internal-error';
  return new KilnError(code, problem.detail, { items: problem.errors ?? [] });
}
