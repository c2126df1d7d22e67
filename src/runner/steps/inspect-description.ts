/** The description of an inspected recipe: by the schema alone, or with all that a build would fail on late. */
import { RECIPE } from '../image-root.ts';
import { Description } from '../recipe/description.ts';
import { judge } from '../recipe/verdict.ts';
import type { Step } from '../step.ts';

/** Throws as `validate` does. */
export const checkDescription: Step<{ readonly schemaOnly: boolean }, Description> = {
  name: 'validate',
  run: (context, { schemaOnly }) =>
    judge(context, Description, {
      script: 'check_description.py',
      args: [RECIPE.at, ...(schemaOnly ? ['--schema-only'] : [])],
      binds: [RECIPE],
    }),
};
