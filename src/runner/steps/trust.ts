/**
 * Makes the image trust the certificates of the platform, and takes out private host keys that packages made: keys
 * that every node of an image shares, and anybody who can read the image has, protect nobody.
 */
import { Type } from 'typebox';
import { BUILD, IMAGE_ROOT, RECIPE, writable } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step } from '../step.ts';

const CERTIFICATES = '/usr/local/kiln/certificates';

const Result = Type.Object({
  system: Type.String(),
  family: Type.Union([Type.String(), Type.Null()]),
  certificates: Type.Integer(),
  bundled: Type.Boolean(),
  removed_keys: Type.Array(Type.String()),
  kept_keys: Type.Array(Type.String()),
});

export const trust: Step<undefined, void> = {
  name: 'trust',
  async run(context) {
    const certificates = context.document.trusted_certificates.map(
      (text, index) => [`${CERTIFICATES}/${String(index + 1).padStart(3, '0')}.pem`, text] as const,
    );
    const result = await runScript(context, Result, {
      script: 'trust_certificates.py',
      args: [IMAGE_ROOT, RECIPE.at, CERTIFICATES],
      binds: [RECIPE, writable(BUILD)],
      files: Object.fromEntries(certificates),
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

function noteOf({
  certificates,
  bundled,
  family,
}: {
  certificates: number;
  bundled: boolean;
  family: string | null;
}) {
  if (certificates === 0) {
    return 'the platform has no certificates of its own';
  }
  const count = certificates === 1 ? '1 certificate' : `${certificates} certificates`;
  if (bundled) {
    return `${count} added to the bundle of the image`;
  }
  const why = family === null ? 'its distribution is not known' : 'it has no ca-certificates';
  return `${count} written, but not added to the bundle of the image: ${why}`;
}
