/**
 * What a manifest lists, read without judging the rest of it: an image whose manifest would not be accepted today
 * has to be deletable all the same.
 */
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import type { ObjectStore } from '../objects/store.ts';
import { readManifestText } from './manifest.ts';

const Entry = Type.Object({ link: Type.Object({ path: Type.String() }) });
export type ManifestEntry = Record<string, unknown> & { link: Record<string, unknown> & { path: string } };

/** The artifacts that have a link; undefined when the manifest lists none at all. */
export interface Listing {
  readonly entries: readonly ManifestEntry[] | undefined;
}

/** Undefined when the manifest is gone. Throws `manifest-invalid` when it is there and cannot be read. */
export async function readListing(objects: ObjectStore, path: string): Promise<Listing | undefined> {
  const text = await readManifestText(objects, path);
  if (text === undefined) {
    return undefined;
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw new KilnError('manifest-invalid', `${path} is not JSON`, { cause });
  }
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) {
    throw new KilnError('manifest-invalid', `${path} is not a JSON object`);
  }
  const artifacts = 'artifacts' in manifest ? manifest.artifacts : undefined;
  return {
    entries: Array.isArray(artifacts)
      ? artifacts.filter((each): each is ManifestEntry => Check(Entry, each))
      : undefined,
  };
}
