/** What is to be imported, as a stream of a plain tar. */
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { UsageError } from './context.ts';

export interface ImportSource {
  readonly data: AsyncIterable<Uint8Array>;
  /** About how much there is, for showing progress. */
  readonly sizeBytes: number;
}

/** A tar or tar.gz. Throws `UsageError` for what cannot be read. */
export async function ownArchive(file: string): Promise<ImportSource> {
  const about = await stat(file).catch(() => undefined);
  if (about === undefined || !about.isFile()) {
    throw new UsageError(`${file} is no file; a folder of an IMS is imported with --from-ims`);
  }
  return { data: await plainTar(file), sizeBytes: about.size };
}

/** The bytes of a tar that may be compressed with gzip. */
export async function plainTar(file: string): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(file, 'r');
  const start = Buffer.alloc(2);
  await handle.read(start, 0, 2, 0);
  await handle.close();
  const bytes = createReadStream(file);
  if (start.readUInt16BE() !== 0x1f8b) {
    return bytes;
  }
  const gunzip = createGunzip();
  bytes.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  return gunzip;
}
