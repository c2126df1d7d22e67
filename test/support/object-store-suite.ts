/** What every object store has to do; the embedded one and S3 are held to it alike. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectAddress, ObjectStore } from '../../src/features/objects/store.ts';
import { MIB } from '../../src/platform/bytes.ts';
import { type InProcessService, type OpenStore, startInProcess } from './service.ts';

/** More than two parts of S3's smallest. */
const LARGE_BYTES = 12 * MIB + 17;

export function objectStoreSuite(openStore: OpenStore): void {
  describe('an object store', () => {
    let service: InProcessService;
    let store: ObjectStore;
    let count = 0;
    beforeAll(async () => {
      service = await startInProcess({ openStore });
      store = service.objects;
    });
    afterAll(() => service.close());
    const fresh = (name = 'object'): ObjectAddress => ({ bucket: 'ims', key: `suite/${++count}/${name}` });
    const put = (address: ObjectAddress, data: Buffer, options = {}) =>
      store.put(address, inChunks(data), options);
    const holds = async (address: ObjectAddress, data: Buffer | string) =>
      (await buffer((await store.get(address)).data)).equals(Buffer.from(data));

    it.each([
      ['nothing', 0],
      ['a byte', 1],
      ['much', LARGE_BYTES],
    ])('keeps %s with its digests, type and metadata', async (_name, size) => {
      const address = fresh();
      const data = randomBytes(size);
      const stored = await put(address, data, {
        contentType: 'application/x-kiln',
        metadata: { colour: 'red' },
      });
      const digests = { md5: digest('md5', data), sha256: digest('sha256', data) };
      expect(stored).toMatchObject({ ...address, sizeBytes: size, ...digests });
      const info = await store.head(address);
      expect(info).toMatchObject({
        ...address,
        sizeBytes: size,
        ...digests,
        contentType: 'application/x-kiln',
      });
      expect(info?.metadata).toMatchObject({ colour: 'red' });
      expect(info?.etag).toBe(stored.etag);
      expect(await holds(address, data)).toBe(true);
    });

    it('keeps the last of two objects under one key', async () => {
      const address = fresh();
      const first = await put(address, Buffer.from('first'));
      const second = await put(address, Buffer.from('second'));
      expect(second.etag).not.toBe(first.etag);
      expect(await holds(address, 'second')).toBe(true);
    });

    it.each([
      ['small', 10],
      ['large', LARGE_BYTES],
    ])('takes %s data only with the digests that were announced', async (_name, size) => {
      const address = fresh();
      const data = randomBytes(size);
      await put(address, data, { expected: { md5: digest('md5', data), sha256: digest('sha256', data) } });
      const wrong = put(address, randomBytes(size), { expected: { sha256: digest('sha256', data) } });
      await expect(wrong).rejects.toMatchObject({ code: 'checksum-mismatch' });
      expect(await holds(address, data)).toBe(true);
      const other = fresh();
      const never = put(other, data, { expected: { md5: '0'.repeat(32) } });
      await expect(never).rejects.toMatchObject({ code: 'checksum-mismatch' });
      expect(await store.head(other)).toBeUndefined();
    });

    it.each([
      ['small', 10],
      ['large', LARGE_BYTES],
    ])('keeps nothing of %s data that breaks off', async (_name, size) => {
      const address = fresh();
      async function* broken() {
        yield randomBytes(size);
        throw new Error('the sender went away');
      }
      await expect(store.put(address, Readable.from(broken(), { objectMode: false }))).rejects.toThrow(
        'went away',
      );
      expect(await store.head(address)).toBeUndefined();
    });

    it('stops when it is told to', async () => {
      const address = fresh();
      const stop = new AbortController();
      async function* endless() {
        for (let part = 0; ; part += 1) {
          if (part === 8) {
            stop.abort();
          }
          yield randomBytes(MIB);
        }
      }
      const data = Readable.from(endless(), { objectMode: false });
      await expect(store.put(address, data, { signal: stop.signal })).rejects.toThrow();
      expect(await store.head(address)).toBeUndefined();
    });

    it('gives ranges', async () => {
      const address = fresh();
      const data = randomBytes(1000);
      await put(address, data);
      await fc.assert(
        fc.asyncProperty(fc.nat(999), fc.nat(1500), async (start, length) => {
          const range = { start, end: start + length };
          const { info, data: part } = await store.get(address, range);
          expect(info.sizeBytes).toBe(1000);
          expect(await buffer(part)).toEqual(data.subarray(start, start + length + 1));
        }),
        { numRuns: 25 },
      );
      await expect(store.get(address, { start: 1000, end: 1000 })).rejects.toMatchObject({
        code: 'range-not-satisfiable',
      });
    });

    it.each([
      ['small', 10],
      ['large', LARGE_BYTES],
    ])('copies a %s object with everything that belongs to it', async (_name, size) => {
      const from = fresh();
      const to: ObjectAddress = { bucket: 'boot-images', key: fresh('copy').key };
      const data = randomBytes(size);
      await put(from, data, { contentType: 'application/x-kiln', metadata: { colour: 'blue' } });
      await put(to, Buffer.from('what was there before'));
      const { modified, bucket, key, etag, ...copied } = await store.copy(from, to);
      const source = await store.head(from);
      expect({ bucket, key }).toEqual(to);
      expect(source).toMatchObject(copied);
      expect(await holds(to, data)).toBe(true);
      expect((await store.head(to))?.etag).toBe(etag);
    });

    it('says of what is not there that it is not there', async () => {
      const address = fresh();
      expect(await store.head(address)).toBeUndefined();
      expect(await store.delete(address)).toBe(false);
      await expect(store.get(address)).rejects.toMatchObject({ code: 'object-not-found' });
      await expect(store.copy(address, fresh())).rejects.toMatchObject({ code: 'object-not-found' });
    });

    it('deletes, and has the key free again', async () => {
      const address = fresh();
      await put(address, Buffer.from('one'));
      expect(await store.delete(address)).toBe(true);
      expect(await store.head(address)).toBeUndefined();
      await put(address, Buffer.from('two'));
      expect(await holds(address, 'two')).toBe(true);
    });

    it('lists what begins alike in the order of the keys', async () => {
      const prefix = `${fresh('list').key}/`;
      const names = ['b', 'a/z', 'a', 'a b', 'c/d/e', 'Ä', 'a+b'];
      for (const name of names) {
        await put({ bucket: 'ims', key: prefix + name }, Buffer.from(name));
      }
      await put({ bucket: 'boot-images', key: `${prefix}elsewhere` }, Buffer.from('x'));
      const listed = await all(store.list('ims', prefix));
      const sorted = names
        .map((name) => prefix + name)
        .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      expect(listed.map(({ key }) => key)).toEqual(sorted);
      expect(listed[0]).toMatchObject({ bucket: 'ims', sizeBytes: 1 });
      expect(await all(store.list('ims', `${prefix}c`))).toHaveLength(1);
    });

    it('lists more than a page of S3', async () => {
      const prefix = `${fresh('many').key}/`;
      const names = Array.from({ length: 1010 }, (_, index) => String(index).padStart(4, '0'));
      for (let start = 0; start < names.length; start += 50) {
        await Promise.all(
          names
            .slice(start, start + 50)
            .map((name) => put({ bucket: 'ims', key: prefix + name }, Buffer.from(name))),
        );
      }
      const listed = await all(store.list('ims', prefix));
      expect(listed.map(({ key }) => key)).toEqual(names.map((name) => prefix + name));
    });

    it('takes any key that means the same everywhere, and no other', async () => {
      const segment = fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
        .map((text) => text.normalize('NFC').replaceAll('/', '_'))
        .filter((text) => text !== '.' && text !== '..' && !hasControls(text));
      await fc.assert(
        fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 4 }), async (segments) => {
          const address: ObjectAddress = { bucket: 'ims', key: `${fresh('keys').key}/${segments.join('/')}` };
          await put(address, Buffer.from(address.key));
          expect(await holds(address, address.key)).toBe(true);
          const response = await fetch(await store.presign('GET', address, inAnHour()));
          expect(await response.text()).toBe(address.key);
        }),
        { numRuns: 40 },
      );
      for (const key of ['', '/', 'a//b', '../a', 'a/..', './a', 'a\n', 'a\u0000b', 'k'.repeat(1025)]) {
        await expect(put({ bucket: 'ims', key }, Buffer.from('x'))).rejects.toMatchObject({
          code: 'bad-object-key',
        });
      }
    });

    it('gives addresses that read', async () => {
      const address = fresh('a b+c%2F?.txt');
      const data = randomBytes(2000);
      await put(address, data);
      const url = await store.presign('GET', address, inAnHour());
      const whole = await fetch(url);
      expect(whole.headers.get('content-length')).toBe('2000');
      expect(Buffer.from(await whole.arrayBuffer())).toEqual(data);
      const part = await fetch(url, { headers: { range: 'bytes=10-19' } });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 10-19/2000']);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(data.subarray(10, 20));
    });

    it('gives addresses that write, and check what is written', async () => {
      const address = fresh();
      const url = await store.presign('PUT', address, inAnHour());
      const send = (body: Buffer, headers: Record<string, string> = {}) =>
        fetch(url, { method: 'PUT', body: new Uint8Array(body), headers });
      const wrong = await send(Buffer.from('wrong'), { 'x-kiln-md5': digest('md5', Buffer.from('right')) });
      expect(wrong.ok).toBe(false);
      expect(await store.head(address)).toBeUndefined();
      const right = await send(Buffer.from('right'), { 'content-type': 'text/plain' });
      expect(await right.json()).toMatchObject({ size_bytes: 5, md5: digest('md5', Buffer.from('right')) });
      expect(await store.head(address)).toMatchObject({ contentType: 'text/plain', sizeBytes: 5 });
    });

    it('gives addresses that are good for one thing and one object only', async () => {
      const [one, other] = [fresh('one'), fresh('other')];
      await put(one, Buffer.from('one'));
      await put(other, Buffer.from('other'));
      const url = await store.presign('GET', one, inAnHour());
      expect((await fetch(url.replace('/one', '/other'))).ok).toBe(false);
      expect((await fetch(url, { method: 'PUT', body: 'changed' })).ok).toBe(false);
      expect(await holds(one, 'one')).toBe(true);
    });
  });
}

function hasControls(text: string): boolean {
  return Array.from(text).some((char) => char < ' ' || char === '\u007f');
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) {
    list.push(item);
  }
  return list;
}

function inAnHour(): Date {
  return new Date(Date.now() + 3_600_000);
}

function inChunks(data: Buffer): Readable {
  const chunks = [];
  for (let start = 0; start < data.length; start += 64 * 1024) {
    chunks.push(data.subarray(start, start + 64 * 1024));
  }
  return Readable.from(chunks, { objectMode: false });
}

function digest(name: 'md5' | 'sha256', data: Buffer): string {
  return createHash(name).update(data).digest('hex');
}
