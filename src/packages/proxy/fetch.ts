/** Fetches what metadata vouches for, and takes it in only when it is exactly that. */
import { KilnError } from '../../contract/errors.ts';
import type { BlobFolder, StoredBlob } from '../store/blobs.ts';
import { type Upstream, whatWentWrong } from './upstream.ts';

export interface Expected {
  readonly path: string;
  /** Algorithm and digest. */
  readonly checksum: string;
  /** In bytes; undefined when nobody said it. */
  readonly size?: number | undefined;
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  sha: 'sha1',
  sha1: 'sha1',
  sha256: 'sha256',
  sha384: 'sha384',
  sha512: 'sha512',
};

/** Throws `upstream-unreachable`, or `upstream-invalid` when it is missing, cut off or something else. */
export async function fetchVerified(
  upstream: Upstream,
  blobs: BlobFolder,
  { path, checksum, size }: Expected,
): Promise<StoredBlob> {
  const [type = '', digest = ''] = checksum.split(':');
  const algorithm = ALGORITHMS[type];
  if (algorithm === undefined) {
    throw new KilnError('upstream-invalid', `${path}: its metadata has checksums of the kind ${type} only`);
  }
  const answer = await upstream.get(path);
  if (answer.kind !== 'data') {
    throw new KilnError('upstream-invalid', `${path} is in the metadata of the upstream, but not there`);
  }
  const incoming = await blobs.receive(answer.data, [algorithm]).catch((cause: unknown) => {
    if (cause instanceof KilnError) {
      throw cause;
    }
    throw new KilnError('upstream-unreachable', `${path}: ${whatWentWrong(cause, 0)}`, { cause });
  });
  if (size !== undefined && incoming.size !== size) {
    await incoming.discard();
    const what = incoming.size < size ? 'it is cut off' : 'it is too long';
    const sizes = `${incoming.size} bytes came, and its metadata says ${size}`;
    throw new KilnError('upstream-invalid', `${path}: ${what}: ${sizes}`);
  }
  if (incoming.digest(algorithm) !== digest) {
    const came = incoming.digest(algorithm);
    await incoming.discard();
    const detail = `${path} has the ${algorithm} ${came}, and its metadata says ${digest}`;
    throw new KilnError('upstream-invalid', detail);
  }
  return await incoming.keep();
}
