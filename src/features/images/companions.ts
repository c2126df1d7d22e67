/**
 * What lies beside the artifacts of an image without being one: its list of packages, its history, the recordings of the shell
 * that it was made in. No manifest names them, so that nobody's boot services see what they do not know; they are known by
 * their names in the folder of the image, and go wherever the image goes.
 */
import { RECORDINGS } from '../../contract/history.ts';
import type { ObjectAddress, ObjectStore } from '../objects/store.ts';

export const HISTORY = 'history.json';

/** Names in the folder of an image. An image that was made in no shell has none of the recordings, and no history either. */
const RECORDINGS_OF_HISTORY = Array.from({ length: RECORDINGS }, (_, index) => recordingName(index + 1));

export function recordingName(number: number): string {
  return `recordings/${number}.cast`;
}

/** Those that there are of an image; `folder` is where its objects are: `ID/`, or `deleted/ID/`. */
export async function companionsIn(objects: ObjectStore, folder: string): Promise<ObjectAddress[]> {
  const among = async (names: readonly string[]) => {
    const addresses = names.map((name): ObjectAddress => ({ bucket: 'boot-images', key: folder + name }));
    const found = await Promise.all(addresses.map((address) => objects.head(address)));
    return addresses.filter((_, index) => found[index] !== undefined);
  };
  const found = await among(['packages.json', HISTORY]);
  const hasHistory = found.some(({ key }) => key.endsWith(HISTORY));
  return hasHistory ? [...found, ...(await among(RECORDINGS_OF_HISTORY))] : found;
}
