/** The create job, as a table of contents: a recipe goes in, published artifacts come out. */
import type { ManifestArtifact } from '../contract/images.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { RunStep } from './engine.ts';
import type { Keeper } from './keeper.ts';
import { bootFiles } from './steps/boot-files.ts';
import { fetch } from './steps/fetch.ts';
import { inventory } from './steps/inventory.ts';
import { prepare } from './steps/prepare.ts';
import { publish } from './steps/publish.ts';
import { render } from './steps/render.ts';
import { repositories } from './steps/repositories.ts';
import { squash } from './steps/squash.ts';
import { trust } from './steps/trust.ts';
import { unpack } from './steps/unpack.ts';
import { validate } from './steps/validate.ts';

export interface ImageResult {
  readonly artifacts: ManifestArtifact[];
  /** How many packages the image has. */
  readonly packages: number;
}

/** Throws what `run` throws when a step fails. */
export async function createImage(
  run: RunStep,
  _document: JobDocument,
  keeper: Keeper,
): Promise<ImageResult> {
  if (keeper.resume === null) {
    await buildRoot(run);
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
