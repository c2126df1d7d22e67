/**
 * Files by the SHA-256 of their content, in one folder. A file has its name only once it is whole and flushed; the
 * same content is kept once, however many repositories have it.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { KilnError } from '../../contract/errors.ts';

export interface StoredBlob {
  readonly sha256: string;
  readonly size: number;
}

/** A file that is whole and flushed, and has no name yet. */
export interface IncomingFile extends StoredBlob {
  readonly path: string;
  /** Digest of its content by another algorithm; only for those that were asked for. */
  digest(algorithm: string): string;
  /** Gives it its name, or throws it away when there is one of this name. */
  keep(): Promise<StoredBlob>;
  discard(): Promise<void>;
}

/** What nobody refers to may be in the hands of somebody who is about to; after this time it is not. */
const GRACE_MS = 60 * 60 * 1000;

export class BlobFolder {
  readonly #folder: string;
  #serial = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder and removes what a crash left half received. */
  async open(): Promise<void> {
    await rm(this.#incoming(), { recursive: true, force: true });
    await mkdir(this.#incoming(), { recursive: true, mode: 0o700 });
    await mkdir(join(this.#folder, 'sha256'), { recursive: true, mode: 0o700 });
  }

  path(sha256: string): string {
    return join(this.#folder, 'sha256', sha256.slice(0, 2), sha256);
  }

  async has(sha256: string): Promise<boolean> {
    return await stat(this.path(sha256)).then(
      () => true,
      () => false,
    );
  }

  read(sha256: string): Readable {
    return createReadStream(this.path(sha256));
  }

  /** Streams the data into a file of its own. Throws `host-disk-full`, or what the stream throws. */
  async receive(data: Readable, algorithms: readonly string[] = []): Promise<IncomingFile> {
    this.#serial += 1;
    const path = join(this.#incoming(), `${process.pid}-${this.#serial}`);
    const hashes = new Map<string, Hash>(['sha256', ...algorithms].map((name) => [name, createHash(name)]));
    let size = 0;
    async function* hashed(source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        size += chunk.length;
        for (const hash of hashes.values()) {
          hash.update(chunk);
        }
        yield chunk;
      }
    }
    try {
      await pipeline(data, hashed, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }));
    } catch (cause) {
      await rm(path, { force: true });
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC') {
        throw new KilnError('host-disk-full', 'no room for the package', { cause });
      }
      throw cause;
    }
    const digests = new Map([...hashes].map(([name, hash]) => [name, hash.digest('hex')]));
    const sha256 = digests.get('sha256') ?? '';
    const target = this.path(sha256);
    return {
      path,
      sha256,
      size,
      digest: (algorithm) => digests.get(algorithm) ?? '',
      async keep() {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        await rename(path, target);
        await syncFolder(dirname(target));
        return { sha256, size };
      },
      discard: () => rm(path, { force: true }),
    };
  }

  /** Removes blobs that are not among these and have been there for a while; gives how many. */
  async sweep(isUsed: (sha256: string) => boolean, now: Date): Promise<number> {
    let removed = 0;
    for (const shard of await readdir(join(this.#folder, 'sha256'))) {
      for (const sha256 of await readdir(join(this.#folder, 'sha256', shard))) {
        const { ctimeMs } = await stat(this.path(sha256));
        if (!isUsed(sha256) && now.getTime() - ctimeMs > GRACE_MS) {
          await rm(this.path(sha256), { force: true });
          removed += 1;
        }
      }
    }
    return removed;
  }

  #incoming(): string {
    return join(this.#folder, 'incoming');
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
