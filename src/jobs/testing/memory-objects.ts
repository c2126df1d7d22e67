/** An object store in memory, for the tests of this room only. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { KilnError } from '../../contract/errors.ts';
import type { ObjectAddress, ObjectInfo, ObjectStore, StoredObject } from '../../features/objects/store.ts';

export interface MemoryObjects extends ObjectStore {
  putText(address: ObjectAddress, text: string): StoredObject;
}

export function memoryObjects(): MemoryObjects {
  const stored = new Map<string, { info: ObjectInfo; text: string }>();
  const nameOf = (address: ObjectAddress) => `${address.bucket}/${address.key}`;

  const putText = (address: ObjectAddress, text: string): StoredObject => {
    const md5 = createHash('md5').update(text).digest('hex');
    const info: StoredObject = {
      bucket: address.bucket,
      key: address.key,
      sizeBytes: Buffer.byteLength(text),
      md5,
      sha256: createHash('sha256').update(text).digest('hex'),
      etag: md5,
      contentType: 'application/octet-stream',
      metadata: {},
      modified: new Date(0),
    };
    stored.set(nameOf(address), { info, text });
    return info;
  };

  return {
    putText,
    async put(address, data) {
      const chunks: Buffer[] = [];
      for await (const chunk of data) {
        chunks.push(Buffer.from(chunk));
      }
      return putText(address, Buffer.concat(chunks).toString('utf8'));
    },
    head: async (address) => stored.get(nameOf(address))?.info,
    async get(address) {
      const object = stored.get(nameOf(address));
      if (object === undefined) {
        throw new KilnError('object-not-found', nameOf(address));
      }
      return { info: object.info, data: Readable.from([Buffer.from(object.text)]) };
    },
    async copy(from, to) {
      const object = stored.get(nameOf(from));
      if (object === undefined) {
        throw new KilnError('object-not-found', nameOf(from));
      }
      return putText(to, object.text);
    },
    delete: async (address) => stored.delete(nameOf(address)),
    async *list(bucket, prefix) {
      for (const { info } of stored.values()) {
        if (info.bucket === bucket && info.key.startsWith(prefix)) {
          yield info;
        }
      }
    },
    presign: async (method, address) => `http://store.test/${nameOf(address)}?method=${method}`,
  };
}
