/** Metadata as text, whatever it is compressed with: that is told by its first bytes, since names by hash do not. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { KilnError } from '../../contract/errors.ts';
import { GIB } from '../../platform/bytes.ts';
import { filterThrough } from '../../platform/exec-filter.ts';

const FILTERS = [
  { magic: '28b52ffd', argv: ['zstd', '-dcq', '--memory=128MB'] },
  { magic: 'fd377a585a00', argv: ['xz', '-dcq', '--memlimit-decompress=256MiB'] },
  { magic: '425a68', argv: ['bzip2', '-dcq'] },
] as const;
const GZIP_MAGIC = '1f8b';
/** What no list of packages unpacks to. */
const LIMIT_BYTES = 4 * GIB;

/** Pieces of the text of a file. Throws `upstream-invalid` for what cannot be unpacked. */
export async function* textOf(name: string, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let size = 0;
  try {
    for await (const chunk of await unpacked(file)) {
      size += chunk.length;
      if (size > LIMIT_BYTES) {
        throw new Error(`it unpacks to more than ${LIMIT_BYTES} bytes`);
      }
      yield decoder.decode(chunk, { stream: true });
    }
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new KilnError('upstream-invalid', `${name} cannot be unpacked: ${detail}`, { cause });
  }
}

async function unpacked(file: string): Promise<AsyncIterable<Buffer>> {
  const magic = await firstBytes(file);
  const filter = FILTERS.find((each) => magic.startsWith(each.magic));
  const data = createReadStream(file);
  if (filter !== undefined) {
    return filterThrough(filter.argv, data);
  }
  if (!magic.startsWith(GZIP_MAGIC)) {
    return data;
  }
  const gunzip = createGunzip();
  data.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => data.destroy());
  return data.pipe(gunzip);
}

async function firstBytes(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    return buffer.toString('hex', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
