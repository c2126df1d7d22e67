/** Looks for what should not be in a recipe although it builds: the rules are those of lint_recipe.py. */
import { Type } from 'typebox';
import { Finding } from '../../contract/inspections.ts';
import { RECIPE } from '../image-root.ts';
import type { Description } from '../recipe/description.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step } from '../step.ts';

/** The description is undefined when it cannot be read; then only the other files are looked at. */
export const lint: Step<Description | undefined, Finding[]> = {
  name: 'lint',
  async run(context, description) {
    const findings = await runScript(context, Type.Array(Finding), {
      script: 'lint_recipe.py',
      args: [RECIPE.at],
      binds: [RECIPE],
      input: JSON.stringify({ readable: description !== undefined, packages: description?.packages ?? [] }),
    });
    context.note(findings.length === 1 ? '1 finding' : `${findings.length} findings`);
    return findings;
  },
};
