/** Reads the manifest of an image from the store, into a type. */
import { Value } from 'typebox/value';
import { KilnError } from '../contract/errors.ts';
import { Manifest } from '../contract/images.ts';
import type { ObjectAddress, ObjectInfo, ObjectStore } from '../features/objects/store.ts';
import { pathOf } from './addresses.ts';

const LIMIT_BYTES = 1024 * 1024;

/** The manifest, and what the store says of its object. Throws `object-not-found` or `manifest-invalid`. */
export async function readManifest(
  objects: ObjectStore,
  address: ObjectAddress,
): Promise<Manifest & { readonly info: ObjectInfo }> {
  const info = await objects.head(address);
  if (info === undefined) {
    throw new KilnError('object-not-found', `there is no object ${pathOf(address)}`);
  }
  if (info.sizeBytes > LIMIT_BYTES) {
    throw new KilnError('manifest-invalid', `a manifest of ${info.sizeBytes} bytes is too large to be one`);
  }
  return { ...parseManifest(await readText(objects, info)), info };
}

async function readText(objects: ObjectStore, info: ObjectInfo): Promise<string> {
  const { data } = await objects.get({ bucket: info.bucket, key: info.key });
  const chunks: Buffer[] = [];
  for await (const chunk of data) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseManifest(text: string): Manifest {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new KilnError('manifest-invalid', 'the manifest is not JSON', { cause });
  }
  if (!Value.Check(Manifest, content)) {
    const [problem] = Value.Errors(Manifest, content);
    throw new KilnError('manifest-invalid', `manifest${problem?.instancePath ?? ''}: ${problem?.message}`);
  }
  return content;
}
