/** Reads and checks the manifest of an image, wherever it came from. */
import { Errors } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES, Manifest } from '../../contract/images.ts';
import { addressOf } from '../objects/index.ts';
import type { ObjectStore } from '../objects/store.ts';

export const MANIFEST_LIMIT_BYTES = 1024 * 1024;

/** Throws `object-not-found`, or `manifest-invalid` that lists what is wrong. */
export async function readManifest(objects: ObjectStore, path: string): Promise<Manifest> {
  const { info, data } = await objects.get(addressOf({ path }));
  if (info.sizeBytes > MANIFEST_LIMIT_BYTES) {
    data.destroy();
    throw new KilnError(
      'manifest-invalid',
      `${path} has ${info.sizeBytes} bytes; a manifest has at most ${MANIFEST_LIMIT_BYTES}`,
    );
  }
  const chunks: Buffer[] = [];
  for await (const chunk of data) {
    chunks.push(chunk);
  }
  return parseManifest(Buffer.concat(chunks).toString('utf8'), path);
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
