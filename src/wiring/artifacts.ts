/** The object store that the settings name. What an S3 service needs is only loaded when there is one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbeddedObjectStore } from '../adapters/artifacts/embedded/index.ts';
import { KilnError } from '../contract/errors.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import { GIB, MIB } from '../platform/bytes.ts';
import type { Settings } from '../platform/options.ts';

export interface ArtifactOptions {
  readonly signingKey: Buffer;
  /** Base address of the service; asked each time, since the port may be chosen late. */
  readonly baseUrl: () => string;
}

/** The most that S3 copies at once. */
const COPY_AT_ONCE_BYTES = 5 * GIB;

/** Throws `config-invalid`, `store-unreachable`, `store-refused` or `store-bucket-missing`. */
export async function openArtifacts(settings: Settings, options: ArtifactOptions): Promise<ObjectStore> {
  if (settings['artifacts.store'] === 'embedded') {
    return await openEmbeddedObjectStore({ folder: join(settings['state.folder'], 'objects'), ...options });
  }
  const { openS3ObjectStore } = await import('../adapters/artifacts/s3/index.ts');
  return await openS3ObjectStore({
    ...options,
    endpoint: settings['s3.endpoint'],
    region: settings['s3.region'],
    credentials: await credentialsOf(settings),
    caFile: settings['s3.ca_file'],
    pathStyle: settings['s3.path_style'] === 'yes',
    buckets: { ims: settings['s3.ims_bucket'], 'boot-images': settings['s3.boot_images_bucket'] },
    partBytes: settings['s3.part_mib'] * MIB,
    copyAtOnceBytes: COPY_AT_ONCE_BYTES,
  });
}

async function credentialsOf(settings: Settings) {
  const [accessKeyFile, secretKeyFile] = [settings['s3.access_key_file'], settings['s3.secret_key_file']];
  if (accessKeyFile === '' && secretKeyFile === '') {
    return undefined;
  }
  if (accessKeyFile === '' || secretKeyFile === '') {
    throw new KilnError(
      'config-invalid',
      's3.access_key_file and s3.secret_key_file go together; one is not set',
    );
  }
  return {
    accessKeyId: (await readFile(accessKeyFile, 'utf8')).trim(),
    secretAccessKey: (await readFile(secretKeyFile, 'utf8')).trim(),
  };
}
