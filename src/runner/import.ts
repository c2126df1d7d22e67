/** The import job, as a table of contents: a root file system goes in, published artifacts come out. */
import type { ImageResult } from './create.ts';
import type { RunStep } from './engine.ts';
import { bootFiles } from './steps/boot-files.ts';
import { fetch } from './steps/fetch.ts';
import { inventory } from './steps/inventory.ts';
import { publish } from './steps/publish.ts';
import { squash } from './steps/squash.ts';
import { unpackRoot } from './steps/unpack-root.ts';

/** Throws what `run` throws when a step fails. */
export async function importImage(run: RunStep): Promise<ImageResult> {
  await run(fetch, undefined);
  await run(unpackRoot, undefined);
  const boot = await run(bootFiles, undefined);
  const packages = await run(inventory, undefined);
  const rootfs = await run(squash, undefined);
  const artifacts = await run(publish, [rootfs, ...boot]);
  return { artifacts, packages };
}
