/**
 * Makes the image trust the certificates of the platform, and takes out private host keys that packages made: keys
 * that every node of an image shares, and anybody who can read the image has, protect nobody.
 */
import { type Static, Type } from 'typebox';
import { BUILD, IMAGE_ROOT, RECIPE, writable } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step } from '../step.ts';
import { layOutTrust, TRUST, TRUST_SCRIPT } from '../trust/trust-folder.ts';

const Result = Type.Object({
  system: Type.String(),
  family: Type.Union([Type.String(), Type.Null()]),
  certificates: Type.Integer(),
  /** Name of the package that owns them; null for plain files. */
  package: Type.Union([Type.String(), Type.Null()]),
  /** What kept it from being a package. */
  problem: Type.Union([Type.String(), Type.Null()]),
  bundled: Type.Boolean(),
  removed_keys: Type.Array(Type.String()),
  kept_keys: Type.Array(Type.String()),
});

export const trust: Step<undefined, void> = {
  name: 'trust',
  async run(context) {
    await layOutTrust(context);
    const result = await runScript(context, Result, {
      script: TRUST_SCRIPT,
      args: [IMAGE_ROOT, TRUST.at, RECIPE.at],
      machine: context.document.arch,
      binds: [RECIPE, TRUST, writable(BUILD)],
    });

    context.log(`The image is ${result.system}`);
    if (result.removed_keys.length > 0) {
      context.log(
        `Removed private host keys that packages left in the image: ${result.removed_keys.join(', ')}. ` +
          'A node makes its own with `ssh-keygen -A` before sshd starts; the recipe has to see to that.',
      );
    }
    if (result.kept_keys.length > 0) {
      context.log(`Warning: the recipe ships private host keys: ${result.kept_keys.join(', ')}`);
    }
    context.note(noteOf(result));
  },
};

function noteOf(result: Static<typeof Result>): string {
  const { certificates, bundled, family, problem } = result;
  if (certificates === 0) {
    return 'the platform has no certificates of its own';
  }
  const count = certificates === 1 ? '1 certificate' : `${certificates} certificates`;
  const form = result.package === null ? `plain files (${problem})` : `the package ${result.package}`;
  if (bundled) {
    return `${count} as ${form}, added to the bundle of the image`;
  }
  const why = family === null ? 'its distribution is not known' : 'it has no ca-certificates';
  return `${count} as ${form}, not added to the bundle of the image: ${why}`;
}
