/** Renders the templates of the recipe with Jinja2 in the sandbox, in place. */
import { Type } from 'typebox';
import { RECIPE, writable } from '../image-root.ts';
import { judge } from '../recipe/verdict.ts';
import type { Step } from '../step.ts';

const Rendered = Type.Object({ files: Type.Union([Type.Array(Type.String()), Type.Null()]) });

/** Throws `recipe-template-invalid`, which lists every value that is missing with file and line. */
export const render: Step<undefined, void> = {
  name: 'render',
  async run(context) {
    const dictionary = context.document.source.template_dictionary;
    const values = Object.fromEntries(dictionary.map(({ key, value }) => [key, value]));
    const { files } = await judge(context, Rendered, {
      script: 'render_templates.py',
      args: [RECIPE.at],
      binds: [writable(RECIPE)],
      input: JSON.stringify({ values }),
    });
    if (files === null && dictionary.length > 0) {
      context.log('warning: the recipe has values but no .ims_recipe_template.yaml, so nothing was rendered');
    }
    context.note(files === null ? 'no templates' : files.join(', '));
  },
};
