/** Reads and checks the manifest of an image, wherever it came from. */
import { Errors } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES, Manifest } from '../../contract/images.ts';
import { addressOf } from '../objects/index.ts';
import type { ObjectStore } from '../objects/store.ts';

export const MANIFEST_LIMIT_BYTES = 1024 * 1024;

/** Throws `object-not-found`, or `manifest-invalid` that lists what is wrong. */
export async function readManifest(objects: ObjectStore, path: string): Promise<Manifest> {
  const text = await readManifestText(objects, path);
  if (text === undefined) {
    throw new KilnError('object-not-found', path);
  }
  return parseManifest(text, path);
}

/** Undefined when there is no such object. Throws `manifest-invalid` when it is too large or no text. */
export async function readManifestText(objects: ObjectStore, path: string): Promise<string | undefined> {
  const address = addressOf({ path });
  if ((await objects.head(address)) === undefined) {
    return undefined;
  }
  const { info, data } = await objects.get(address);
  if (info.sizeBytes >= MANIFEST_LIMIT_BYTES) {
    data.destroy();
    throw new KilnError(
      'manifest-invalid',
      `${path} has ${info.sizeBytes} bytes; a manifest has less than ${MANIFEST_LIMIT_BYTES}`,
    );
  }
  const bytes = Buffer.concat(await data.toArray());
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KilnError('manifest-invalid', `${path} is not UTF-8 text`, { cause });
  }
}

export function parseManifest(text: string, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new KilnError('manifest-invalid', `${path} is not JSON`, { cause });
  }
  const problems = [...Errors(Manifest, value)];
  if (problems.length > 0) {
    throw new KilnError('manifest-invalid', `${path} is no manifest of version 1.0`, {
      items: problems.map((problem) => ({ message: problem.message, pointer: problem.instancePath })),
    });
  }
  const manifest = value as Manifest;
  const roots = manifest.artifacts.filter((artifact) =>
    artifact.type.startsWith(ARTIFACT_MEDIA_TYPES.rootfs),
  );
  if (roots.length !== 1) {
    throw new KilnError(
      'manifest-invalid',
      `${path} lists ${roots.length} root file systems; it has to list one`,
    );
  }
  return manifest;
}

/** Throws `manifest-invalid` that names every artifact whose object is not there. */
export async function checkArtifacts(objects: ObjectStore, manifest: Manifest): Promise<void> {
  const found = await Promise.all(manifest.artifacts.map(({ link }) => objects.head(addressOf(link))));
  const missing = manifest.artifacts.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) {
    throw new KilnError('manifest-invalid', 'artifacts of the manifest are not in the store', {
      items: missing.map(({ link }) => ({ message: `there is no object ${link.path}` })),
    });
  }
}
