/**
 * The steps of jobs by name, with what people and the reference's clients see of each. The runner has
 * one file per step; the job engine derives the public status from this table.
 */
import type { JobStatus } from './jobs.ts';

export interface StepDescription {
  readonly name: string;
  readonly title: string;
  /** Status on the wire while the step is in progress. */
  readonly status: JobStatus;
}

export const CREATE_STEPS = [
  { name: 'fetch', title: 'Fetch and verify the recipe', status: 'fetching_recipe' },
  { name: 'unpack', title: 'Unpack the recipe', status: 'fetching_recipe' },
  { name: 'render', title: 'Render its templates', status: 'fetching_recipe' },
  { name: 'validate', title: 'Validate the description', status: 'fetching_recipe' },
  { name: 'repositories', title: 'Wait for the package repositories', status: 'waiting_for_repos' },
  { name: 'prepare', title: 'Install the root of the image', status: 'building_image' },
  { name: 'trust', title: 'Add the certificates of the platform', status: 'building_image' },
  { name: 'boot-files', title: 'Find kernel and initrd', status: 'packaging_artifacts' },
  { name: 'inventory', title: 'List the packages', status: 'packaging_artifacts' },
  { name: 'squash', title: 'Squash the root', status: 'packaging_artifacts' },
  { name: 'publish', title: 'Publish the artifacts', status: 'packaging_artifacts' },
  // Only after a failure, of a job that was asked to.
  { name: 'open-shell', title: 'Open a shell beside what failed', status: 'building_image' },
  { name: 'shell', title: 'Wait for the user', status: 'waiting_on_user' },
] as const satisfies readonly StepDescription[];

export const IMPORT_STEPS = [
  { name: 'fetch', title: 'Fetch and verify the root', status: 'fetching_image' },
  { name: 'unpack-root', title: 'Unpack the root', status: 'fetching_image' },
  { name: 'boot-files', title: 'Find kernel and initrd', status: 'packaging_artifacts' },
  { name: 'inventory', title: 'List the packages', status: 'packaging_artifacts' },
  { name: 'squash', title: 'Squash the root', status: 'packaging_artifacts' },
  { name: 'publish', title: 'Publish the artifacts', status: 'packaging_artifacts' },
] as const satisfies readonly StepDescription[];

export const CUSTOMIZE_STEPS = [
  { name: 'fetch-image', title: 'Fetch and verify the image', status: 'fetching_image' },
  { name: 'mount', title: 'Lay an overlay over it', status: 'fetching_image' },
  { name: 'apply', title: 'Make the changes', status: 'building_image' },
  { name: 'open-shell', title: 'Open the shell', status: 'building_image' },
  { name: 'shell', title: 'Wait for the user', status: 'waiting_on_user' },
  { name: 'boot-files', title: 'Find kernel and initrd', status: 'packaging_artifacts' },
  { name: 'inventory', title: 'List the packages', status: 'packaging_artifacts' },
  { name: 'history', title: 'Write down what was changed', status: 'packaging_artifacts' },
  { name: 'squash', title: 'Squash the root', status: 'packaging_artifacts' },
  { name: 'publish', title: 'Publish the artifacts', status: 'packaging_artifacts' },
] as const satisfies readonly StepDescription[];

export const INSPECT_STEPS = [
  { name: 'fetch', title: 'Fetch and verify the recipe', status: 'fetching_recipe' },
  { name: 'unpack', title: 'Unpack the recipe', status: 'fetching_recipe' },
  { name: 'render', title: 'Render its templates', status: 'fetching_recipe' },
  { name: 'validate', title: 'Validate the description', status: 'fetching_recipe' },
  { name: 'lint', title: 'Look for what should not be in a recipe', status: 'fetching_recipe' },
  { name: 'repositories', title: 'Ask the package repositories', status: 'waiting_for_repos' },
  { name: 'plan', title: 'Find out what would be installed', status: 'waiting_for_repos' },
] as const satisfies readonly StepDescription[];

type Steps = typeof CREATE_STEPS | typeof IMPORT_STEPS | typeof CUSTOMIZE_STEPS | typeof INSPECT_STEPS;
export type StepName = Steps[number]['name'];

const STEPS = {
  create: CREATE_STEPS,
  customize: CUSTOMIZE_STEPS,
  import: IMPORT_STEPS,
  inspect: INSPECT_STEPS,
} as const;
const SHELL_STEPS: readonly string[] = ['open-shell', 'shell'] satisfies StepName[];

/** Those of a job of this type, in order; `withShell`: the job may open one. */
export function stepsOf(jobType: keyof typeof STEPS, withShell: boolean): readonly StepDescription[] {
  return STEPS[jobType].filter(({ name }) => withShell || !SHELL_STEPS.includes(name));
}
