/** Where the steps of a build find each other's results in the workspace, and where the sandbox sees them. */
import type { Bind } from '../builder/sandbox.ts';
import type { JobDocument } from '../contract/runner.ts';

/** The rendered recipe, as the step `unpack` leaves it. */
export const RECIPE: Bind = { folder: 'recipe', at: '/work/recipe', writable: false };
/** What Kiwi builds; from the first package on, anything in it is the recipe's doing. */
export const BUILD: Bind = { folder: 'build', at: '/work/build', writable: false };
/** What is published: written by Kiln's own tools alone. */
export const OUT: Bind = { folder: 'out', at: '/work/out', writable: true };
/** In the folder `out`: name, version and architecture of each package of the image. */
export const PACKAGES_FILE = 'packages.json';
/** In the folder `out`: how the image came to be, where it was customized. */
export const HISTORY_FILE = 'history.json';
export const IMAGE_ROOT = `${BUILD.at}/image-root`;

/** The overlay over the image that is customized. */
export const OVERLAY = 'image-root';
/** The image as it was, and the layers of the overlay: `upper` has what was changed. */
export const ORIGINAL: Bind = { folder: `${OVERLAY}-original`, at: '/work/original', writable: false };
export const LAYERS: Bind = { folder: `${OVERLAY}-layers`, at: '/work/layers', writable: false };
/** Where people and changes see it. */
const CUSTOMIZED_AT = '/mnt/image/image-root';

export const CUSTOMIZED: Bind = { folder: OVERLAY, at: CUSTOMIZED_AT, writable: true };

/** Where the shell of a job has the image, as clients of the reference look for it. */
export interface ShellImage {
  readonly bind: Bind;
  readonly root: string;
}
export const CUSTOMIZED_IMAGE: ShellImage = { bind: CUSTOMIZED, root: CUSTOMIZED_AT };
const FAILED_AT = '/mnt/image/build';
export const FAILED_BUILD: ShellImage = {
  bind: { folder: BUILD.folder, at: FAILED_AT, writable: true },
  root: `${FAILED_AT}/image-root`,
};

/** What shows the root of the image at `IMAGE_ROOT`: a folder that Kiwi filled, or an overlay. */
export function imageRoot({ job_type }: Pick<JobDocument, 'job_type'>): Bind {
  return job_type === 'customize' ? { folder: OVERLAY, at: IMAGE_ROOT, writable: false } : BUILD;
}

export function writable(bind: Bind): Bind {
  return { ...bind, writable: true };
}
