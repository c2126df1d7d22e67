/** Lists the packages of the image, from its package database. */
import { Type } from 'typebox';
import { IMAGE_ROOT, imageRoot, OUT, PACKAGES_FILE } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step } from '../step.ts';

/** Gives how many packages the image has; the list is in packages.json of the out folder. */
export const inventory: Step<undefined, number> = {
  name: 'inventory',
  async run(context) {
    const { packages } = await runScript(context, Type.Object({ packages: Type.Integer({ minimum: 0 }) }), {
      script: 'list_packages.py',
      args: [IMAGE_ROOT, `${OUT.at}/${PACKAGES_FILE}`],
      binds: [imageRoot(context.document), OUT],
    });
    context.note(packages === 1 ? '1 package' : `${packages} packages`);
    return packages;
  },
};
