/** Unpacks the recipe in the sandbox, after every entry of its archive was looked at. */
import { Type } from 'typebox';
import { formatBytes } from '../../platform/bytes.ts';
import { RECIPE, writable } from '../image-root.ts';
import { judge } from '../recipe/verdict.ts';
import type { Step } from '../step.ts';
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from './fetch.ts';

const Unpacked = Type.Object({ files: Type.Integer(), bytes: Type.Integer() });

/** Throws `recipe-not-an-archive`, `recipe-archive-hostile`, `recipe-archive-too-large` or `recipe-no-config`. */
export const unpack: Step<undefined, void> = {
  name: 'unpack',
  async run(context) {
    const { limits } = context.document;
    await context.workspace.makeFolder(RECIPE.folder);
    const unpacked = await judge(context, Unpacked, {
      script: 'unpack_recipe.py',
      beside: ['archive.py'],
      args: [
        `/work/archive/${ARCHIVE_NAME}`,
        RECIPE.at,
        String(limits.recipe_bytes),
        String(limits.recipe_entries),
      ],
      binds: [{ folder: ARCHIVE_FOLDER, at: '/work/archive', writable: false }, writable(RECIPE)],
    });
    context.note(`${unpacked.files} files, ${formatBytes(unpacked.bytes)}`);
  },
};
