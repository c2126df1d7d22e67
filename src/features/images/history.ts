/** How an image came to be, and what its shells showed: kept beside its artifacts by the job that made it. */
import type { Readable } from 'node:stream';
import { Check } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import { ImageHistory } from '../../contract/history.ts';
import type { Image } from '../../contract/images.ts';
import type { Records } from '../../ports/records.ts';
import type { ObjectAddress, ObjectStore } from '../objects/store.ts';
import { HISTORY, recordingName } from './companions.ts';

export interface ImageHistories {
  /** Throws `image-not-found`, and `image-without-history` that says why there is none. */
  history(id: string): Promise<ImageHistory>;
  /** An asciicast. Throws `image-not-found` and `recording-not-found`. */
  recording(id: string, number: number): Promise<Readable>;
}

export function createImageHistories(deps: {
  readonly records: Pick<Records, 'images'>;
  readonly objects: ObjectStore;
}): ImageHistories {
  const { records, objects } = deps;
  const find = async (id: string): Promise<Image> => {
    const image = await records.images.find(id);
    if (image === undefined) {
      throw new KilnError('image-not-found', `there is no image ${id}`);
    }
    return image;
  };
  const addressOf = (id: string, name: string): ObjectAddress => ({
    bucket: 'boot-images',
    key: `${id}/${name}`,
  });

  return {
    async history(id) {
      const image = await find(id);
      const address = addressOf(id, HISTORY);
      if ((await objects.head(address)) === undefined) {
        throw new KilnError('image-without-history', `"${image.name}" ${whyThereIsNone(image)}`);
      }
      const { data } = await objects.get(address);
      const history: unknown = JSON.parse(Buffer.concat(await data.toArray()).toString('utf8'));
      if (!Check(ImageHistory, history)) {
        throw new KilnError('internal-error', `the history of image ${id} is not as this version writes it`);
      }
      // A copy has the history of the image that it is a copy of.
      const entries = history.entries.map((entry, index) =>
        index === 0 ? { ...entry, image_id: id } : entry,
      );
      return { entries };
    },

    async recording(id, number) {
      await find(id);
      const address = addressOf(id, recordingName(number));
      if ((await objects.head(address)) === undefined) {
        throw new KilnError('recording-not-found', `image ${id} has no recording ${number}`);
      }
      return (await objects.get(address)).data;
    },
  };
}

function whyThereIsNone({ parent, job_id }: Image): string {
  if (parent !== undefined) {
    return 'was customized before histories were kept';
  }
  return job_id === null ? 'was registered as it is' : 'was made by a build or an import, of no other image';
}
