/** The create job, as a table of contents: a recipe goes in, published artifacts come out. */
import type { ManifestArtifact } from '../contract/images.ts';
import type { JobDocument } from '../contract/runner.ts';
import { CREATE_STEPS } from '../contract/steps.ts';
import { JobFailure, type RunStep } from './engine.ts';
import { FAILED_BUILD } from './image-root.ts';
import type { Keeper } from './keeper.ts';
import { bootFiles } from './steps/boot-files.ts';
import { fetch } from './steps/fetch.ts';
import { inventory } from './steps/inventory.ts';
import { prepare } from './steps/prepare.ts';
import { publish } from './steps/publish.ts';
import { render } from './steps/render.ts';
import { repositories } from './steps/repositories.ts';
import { openShellStep, shell } from './steps/shell.ts';
import { squash } from './steps/squash.ts';
import { trust } from './steps/trust.ts';
import { unpack } from './steps/unpack.ts';
import { validate } from './steps/validate.ts';

export interface ImageResult {
  readonly artifacts: ManifestArtifact[];
  /** How many packages the image has. */
  readonly packages: number;
}

/** Throws what `run` throws when a step fails, perhaps after its user has looked at what is there. */
export async function createImage(run: RunStep, document: JobDocument, keeper: Keeper): Promise<ImageResult> {
  try {
    return await buildImage(run, keeper);
  } catch (failure) {
    if (document.shell !== null && failure instanceof JobFailure && leavesRoot(failure)) {
      await offerShell(run, document.shell, keeper);
    }
    throw failure;
  }
}

async function buildImage(run: RunStep, keeper: Keeper): Promise<ImageResult> {
  if (keeper.resume === null) {
    await buildRoot(run);
  } else {
    // Somebody may have been at work in it since.
    await run(trust, undefined);
  }
  await keeper.reached({ stage: 'root', changes: 0 });
  const boot = await run(bootFiles, undefined);
  const packages = await run(inventory, undefined);
  const rootfs = await run(squash, undefined);
  const artifacts = await run(publish, [rootfs, ...boot]);
  return { artifacts, packages };
}

async function buildRoot(run: RunStep): Promise<void> {
  await run(fetch, undefined);
  await run(unpack, undefined);
  await run(render, undefined);
  const description = await run(validate, undefined);
  await run(repositories, description.repositories);
  await run(prepare, description.repositories);
  await run(trust, undefined);
}

const STEPS_WITH_ROOT = CREATE_STEPS.slice(CREATE_STEPS.findIndex(({ name }) => name === 'prepare')).map(
  ({ name }): string => name,
);

function leavesRoot({ stopped, reason: { step } }: JobFailure): boolean {
  return !stopped && step !== null && STEPS_WITH_ROOT.includes(step);
}

/** The job has failed, whatever comes of this; a root that its user says is complete now is there for another try. */
async function offerShell(
  run: RunStep,
  asked: NonNullable<JobDocument['shell']>,
  keeper: Keeper,
): Promise<void> {
  try {
    await run(shell, await run(openShellStep, { asked, image: FAILED_BUILD }));
    await keeper.reached({ stage: 'root', changes: 0 });
  } catch (later) {
    // Told by the engine already; what counts is why the build failed.
    if (!(later instanceof JobFailure)) {
      throw later;
    }
  }
}
