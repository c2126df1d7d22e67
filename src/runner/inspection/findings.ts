/** What an inspection gathers, and how the refusal of a step of a build becomes findings of a report. */
import { ERROR_CATALOGUE, type ErrorCode, KilnError } from '../../contract/errors.ts';
import type { Finding, InspectedRepository, Plan } from '../../contract/inspections.ts';
import type { Description } from '../recipe/description.ts';
import type { Step } from '../step.ts';

export interface Found {
  readonly findings: Finding[];
  readonly description?: Description | undefined;
  readonly repositories?: readonly InspectedRepository[];
  readonly plan?: Plan | null;
}

export type Gathered<Output> = { readonly ok: true; readonly output: Output } | { readonly ok: false };

/** Codes that say something about a recipe; all others say that it could not be looked at. */
const ABOUT_RECIPES: readonly ErrorCode[] = [
  'recipe-not-an-archive',
  'recipe-archive-hostile',
  'recipe-archive-too-large',
  'recipe-no-config',
  'recipe-template-invalid',
  'recipe-xml-malformed',
  'recipe-schema-invalid',
  'recipe-unbuildable',
];

/** The same step, which puts down what is wrong with the recipe instead of throwing it. */
export function gathering<Input, Output>(
  step: Step<Input, Output>,
  { findings }: Pick<Found, 'findings'>,
): Step<Input, Gathered<Output>> {
  return {
    name: step.name,
    async run(context, input) {
      try {
        return { ok: true, output: await step.run(context, input) };
      } catch (error) {
        if (!(error instanceof KilnError) || !ABOUT_RECIPES.includes(error.code)) {
          throw error;
        }
        const all = findingsOf(error);
        findings.push(...all);
        context.note(`${ERROR_CATALOGUE[error.code].title}: ${error.message}`);
        return { ok: false };
      }
    },
  };
}

/** One for each single thing that is wrong, named by the code of the error. */
function findingsOf({ code, message, items, entry }: KilnError): Finding[] {
  if (items.length === 0) {
    return [{ rule: code, severity: 'error', message, hint: entry.hint }];
  }
  return items.map((item) => ({
    rule: code,
    severity: 'error',
    message: item.message,
    ...(item.file === undefined ? {} : { file: item.file }),
    ...(item.line === undefined ? {} : { line: item.line }),
    hint: item.expected === undefined ? entry.hint : `allowed: ${item.expected}`,
  }));
}
