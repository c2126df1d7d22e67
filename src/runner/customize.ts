/** The customize job, as a table of contents: an image goes in, the image with its changes comes out. */
import type { JobDocument } from '../contract/runner.ts';
import type { ImageResult } from './create.ts';
import type { RunStep } from './engine.ts';
import { apply } from './steps/apply.ts';
import { bootFiles } from './steps/boot-files.ts';
import { fetchImage } from './steps/fetch-image.ts';
import { inventory } from './steps/inventory.ts';
import { mount } from './steps/mount.ts';
import { publish } from './steps/publish.ts';
import { openShellStep, shell } from './steps/shell.ts';
import { squash } from './steps/squash.ts';

/** Throws what `run` throws when a step fails. */
export async function customizeImage(run: RunStep, document: JobDocument): Promise<ImageResult> {
  const squashfs = await run(fetchImage, undefined);
  const overlay = await run(mount, squashfs);
  await run(apply, undefined);
  if (document.shell !== null) {
    await run(shell, await run(openShellStep, { asked: document.shell }));
  }
  await overlay.settle();
  const boot = await run(bootFiles, undefined);
  const packages = await run(inventory, undefined);
  const rootfs = await run(squash, undefined);
  const artifacts = await run(publish, [rootfs, ...boot]);
  return { artifacts, packages };
}
