/** Validates the description in the sandbox, by the schema of the Kiwi that will build it. */
import { RECIPE } from '../image-root.ts';
import { Description } from '../recipe/description.ts';
import { judge } from '../recipe/verdict.ts';
import type { Step } from '../step.ts';

/** Throws `recipe-xml-malformed`, `recipe-schema-invalid` or `recipe-unbuildable`, with the author's lines. */
export const validate: Step<undefined, Description> = {
  name: 'validate',
  async run(context) {
    const description = await judge(context, Description, {
      script: 'check_description.py',
      args: [RECIPE.at],
      binds: [RECIPE],
    });
    const { name, version, package_manager: manager, packages, repositories } = description;
    context.note(
      `${name} ${version ?? ''}: ${manager}, ${packages.length} packages, ${repositories.length} repositories`,
    );
    return description;
  },
};
