/** The customize job, as a table of contents: an image goes in, the image with its changes comes out. */
import type { JobDocument } from '../contract/runner.ts';
import type { ImageResult } from './create.ts';
import type { RunStep } from './engine.ts';
import { CUSTOMIZED_IMAGE } from './image-root.ts';
import type { Keeper } from './keeper.ts';
import { apply } from './steps/apply.ts';
import { bootFiles } from './steps/boot-files.ts';
import { fetchImage } from './steps/fetch-image.ts';
import { history } from './steps/history.ts';
import { inventory } from './steps/inventory.ts';
import { mount } from './steps/mount.ts';
import { publish } from './steps/publish.ts';
import { openShellStep, shell } from './steps/shell.ts';
import { squash } from './steps/squash.ts';

/** Throws what `run` throws when a step fails. */
export async function customizeImage(
  run: RunStep,
  document: JobDocument,
  keeper: Keeper,
): Promise<ImageResult> {
  const squashfs = await run(fetchImage, undefined);
  const { stage } = keeper.resume ?? { stage: 'changes' };
  const overlay = await run(mount, { squashfs, from: stage === 'changes' ? 'kept' : 'changes' });
  if (stage === 'changes') {
    await run(apply, { overlay, keeper });
  }
  const changes = document.changes.length;
  if (stage !== 'root' && document.shell !== null) {
    const keep = () => overlay.keep().then(() => keeper.reached({ stage: 'shell', changes }));
    // What was kept of an earlier job was moved just now: only a new one has nothing that could get lost.
    await (keeper.resume ? keeper.reached : keeper.begun)({ stage: 'shell', changes });
    await run(shell, await run(openShellStep, { asked: document.shell, image: CUSTOMIZED_IMAGE, keep }));
  }
  await overlay.settle();
  await keeper.reached({ stage: 'root', changes });
  const boot = await run(bootFiles, undefined);
  const packages = await run(inventory, undefined);
  await run(history, undefined);
  const rootfs = await run(squash, undefined);
  const artifacts = await run(publish, [rootfs, ...boot]);
  return { artifacts, packages };
}
