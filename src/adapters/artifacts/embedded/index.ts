/**
 * The embedded object store: objects as files of one folder, for a service without S3. Data is streamed, hashed
 * on the way, flushed, and only then named; nothing is ever half there.
 */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { KilnError } from '../../../contract/errors.ts';
import { checkDigests, createDigest } from '../../../features/objects/digests.ts';
import { signedPath } from '../../../features/objects/signing.ts';
import {
  BUCKETS,
  type ObjectAddress,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from '../../../features/objects/store.ts';
import type { ByteRange } from '../../../platform/byte-range.ts';
import { type Entry, entryText, readEntry } from './entry.ts';
import { type Layout, layoutOf } from './layout.ts';

export interface EmbeddedStoreOptions {
  folder: string;
  /** Signs the addresses that `presign` gives. */
  signingKey: Buffer;
  /** Base address of the service that answers them; asked each time, since the port may be chosen late. */
  baseUrl: () => string;
}

/** Opens the store and removes what a crash left behind. */
export async function openEmbeddedObjectStore(options: EmbeddedStoreOptions): Promise<ObjectStore> {
  const layout = layoutOf(options.folder);
  await rm(layout.temporary, { recursive: true, force: true });
  for (const folder of [layout.temporary, layout.blobs, ...BUCKETS.map(layout.entries)]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const store = new EmbeddedStore(layout, options);
  await store.sweep();
  return store;
}

class EmbeddedStore implements ObjectStore {
  readonly #layout: Layout;
  readonly #options: EmbeddedStoreOptions;

  constructor(layout: Layout, options: EmbeddedStoreOptions) {
    this.#layout = layout;
    this.#options = options;
  }

  async put(address: ObjectAddress, data: Readable, options: PutOptions = {}): Promise<StoredObject> {
    const entry = this.#layout.entry(address);
    const blob = randomUUID();
    const temporary = join(this.#layout.temporary, blob);
    try {
      const digest = createDigest();
      const file = await open(temporary, 'wx', 0o600);
      try {
        for await (const chunk of data) {
          options.signal?.throwIfAborted();
          digest.update(chunk);
          await file.writeFile(chunk);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const digests = digest.digests();
      checkDigests(address, digests, options.expected ?? {});
      const info: StoredObject = {
        ...address,
        ...digests,
        sizeBytes: digest.sizeBytes(),
        etag: digests.md5,
        contentType: options.contentType ?? 'application/octet-stream',
        metadata: options.metadata ?? {},
        modified: new Date(),
      };
      await this.#commit(entry, temporary, { info, blob });
      return info;
    } catch (cause) {
      await rm(temporary, { force: true });
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC') {
        throw new KilnError('host-disk-full', `no room for s3://${address.bucket}/${address.key}`, { cause });
      }
      throw cause;
    }
  }

  async #commit(entry: string, temporary: string, object: Entry): Promise<void> {
    const before = await readEntry(entry, object.info.bucket);
    const blob = this.#layout.blob(object.blob);
    await mkdir(dirname(blob), { recursive: true, mode: 0o700 });
    await rename(temporary, blob);
    await syncFolder(dirname(blob));
    const draft = `${temporary}.json`;
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(entryText(object));
      await file.sync();
    } finally {
      await file.close();
    }
    await mkdir(dirname(entry), { recursive: true, mode: 0o700 });
    await rename(draft, entry);
    await syncFolder(dirname(entry));
    if (before !== undefined) {
      await rm(this.#layout.blob(before.blob), { force: true });
    }
  }

  async head(address: ObjectAddress): Promise<ObjectInfo | undefined> {
    return (await readEntry(this.#layout.entry(address), address.bucket))?.info;
  }

  async get(address: ObjectAddress, range?: ByteRange): Promise<{ info: ObjectInfo; data: Readable }> {
    const object = await readEntry(this.#layout.entry(address), address.bucket);
    if (object === undefined) {
      throw new KilnError('object-not-found', `s3://${address.bucket}/${address.key}`);
    }
    if (range !== undefined && (range.start > range.end || range.start >= object.info.sizeBytes)) {
      throw new KilnError('range-not-satisfiable', `the object has ${object.info.sizeBytes} bytes`);
    }
    // Opened before it is given out: a deletion from now on does not tear the data that is being read.
    const file = await open(this.#layout.blob(object.blob), 'r');
    return { info: object.info, data: createReadStream('', { fd: file, ...range }) };
  }

  /** A second name for the same data: nothing is read, whatever its size. */
  async copy(from: ObjectAddress, to: ObjectAddress): Promise<ObjectInfo> {
    const object = await readEntry(this.#layout.entry(from), from.bucket);
    if (object === undefined) {
      throw new KilnError('object-not-found', `s3://${from.bucket}/${from.key}`);
    }
    const blob = randomUUID();
    const temporary = join(this.#layout.temporary, blob);
    const info: ObjectInfo = { ...object.info, ...to, modified: new Date() };
    try {
      await link(this.#layout.blob(object.blob), temporary);
      await this.#commit(this.#layout.entry(to), temporary, { info, blob });
    } finally {
      await rm(temporary, { force: true });
    }
    return info;
  }

  async delete(address: ObjectAddress): Promise<boolean> {
    const entry = this.#layout.entry(address);
    const object = await readEntry(entry, address.bucket);
    if (object === undefined) {
      return false;
    }
    await rm(entry, { force: true });
    await syncFolder(dirname(entry));
    await rm(this.#layout.blob(object.blob), { force: true });
    return true;
  }

  async *list(bucket: ObjectAddress['bucket'], prefix: string): AsyncIterable<ObjectInfo> {
    const found: ObjectInfo[] = [];
    for await (const { info } of this.#objects(bucket)) {
      if (info.key.startsWith(prefix)) {
        found.push(info);
      }
    }
    yield* found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async presign(method: 'GET' | 'PUT', address: ObjectAddress, expires: Date): Promise<string> {
    this.#layout.entry(address);
    return this.#options.baseUrl() + signedPath(this.#options.signingKey, method, address, expires);
  }

  /** Removes blobs that no entry points at: uploads and deletions that a crash cut short. */
  async sweep(): Promise<void> {
    const used = new Set<string>();
    for (const bucket of BUCKETS) {
      for await (const { blob } of this.#objects(bucket)) {
        used.add(blob);
      }
    }
    for (const shard of await readdir(this.#layout.blobs)) {
      for (const name of await readdir(join(this.#layout.blobs, shard))) {
        if (!used.has(name)) {
          await rm(this.#layout.blob(name), { force: true });
        }
      }
    }
  }

  async *#objects(bucket: ObjectAddress['bucket']): AsyncIterable<Entry> {
    const folder = this.#layout.entries(bucket);
    for (const shard of await readdir(folder)) {
      for (const name of await readdir(join(folder, shard))) {
        const object = await readEntry(join(folder, shard, name), bucket);
        if (object !== undefined) {
          yield object;
        }
      }
    }
  }
}

/** A rename is safe once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
