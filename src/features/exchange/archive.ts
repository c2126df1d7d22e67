/**
 * Archives of a whole service: a tar that begins with documents (`*.json`) and goes on with objects
 * (`objects/BUCKET/KEY`). Readers see the documents before the first object, so that they know what is to come.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Pack, pack } from 'tar-stream';
import { KilnError } from '../../contract/errors.ts';
import type { ExportDocument } from '../../contract/exchange.ts';
import { BUCKETS, type ObjectAddress, type ObjectStore } from '../objects/store.ts';

export const EXPORT_FILE = 'kiln-export.json';
const OBJECTS = 'objects/';
const DOCUMENT_LIMIT_BYTES = 512 * 1024 * 1024;

export interface ArchivedObject {
  readonly address: ObjectAddress;
  readonly sizeBytes: number;
  /** To be read to its end, or destroyed, before the next one is asked for. */
  readonly data: Readable;
}

export interface Archive {
  /** Texts of the documents by name. */
  readonly documents: ReadonlyMap<string, string>;
  readonly objects: AsyncIterable<ArchivedObject>;
}

/** The archive of a document, as a stream. It breaks off, and is no tar then, when an object cannot be read. */
export function writeArchive(document: ExportDocument, objects: ObjectStore): Readable {
  const archive = pack();
  fill(archive, document, objects).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  // The library has streams of its own kind.
  return Readable.from(archive, { objectMode: false });
}

async function fill(archive: Pack, document: ExportDocument, objects: ObjectStore): Promise<void> {
  const mtime = new Date(document.created);
  await new Promise<void>((resolve, reject) => {
    archive.entry({ name: EXPORT_FILE, mtime }, JSON.stringify(document), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  for (const { bucket, key, size_bytes } of document.objects) {
    const { info, data } = await objects.get({ bucket: bucket as ObjectAddress['bucket'], key });
    if (info.sizeBytes !== size_bytes) {
      data.destroy();
      throw new KilnError('export-torn', `s3://${bucket}/${key} was changed while it was exported`);
    }
    await pipeline(data, archive.entry({ name: `${OBJECTS}${bucket}/${key}`, size: size_bytes, mtime }));
  }
}

/** Reads up to the first object. Throws `import-unreadable` for what is no such archive. */
export async function readArchive(data: Readable): Promise<Archive> {
  const tar = extract();
  // What fails on the way destroys the entries, where the reader sees it.
  pipeline(data, tar).catch(() => undefined);
  const entries = tar[Symbol.asyncIterator]();
  const documents = new Map<string, string>();
  const next = async () => {
    try {
      return await entries.next();
    } catch (cause) {
      throw unreadable(cause);
    }
  };
  let first = await next();
  for (; !first.done && !first.value.header.name.startsWith(OBJECTS); first = await next()) {
    const { name, type } = first.value.header;
    if (type === 'file' && name.endsWith('.json') && !name.includes('/')) {
      documents.set(name, await readText(name, first.value as AsyncIterable<Buffer>));
    } else {
      first.value.resume();
    }
  }
  const objects = async function* () {
    for (let entry = first; !entry.done; entry = await next()) {
      const { name, type, size } = entry.value.header;
      if (type === 'file') {
        yield {
          address: addressOf(name),
          sizeBytes: size ?? 0,
          data: Readable.from(whole(entry.value), { objectMode: false }),
        };
      } else {
        entry.value.resume();
      }
    }
  };
  return { documents, objects: objects() };
}

/** The bytes of an entry, to its end. */
async function* whole(entry: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* entry;
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): KilnError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new KilnError('import-unreadable', `the body is no tar, or broke off: ${reason}`, { cause });
}

async function readText(name: string, entry: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of entry) {
    size += chunk.length;
    if (size > DOCUMENT_LIMIT_BYTES) {
      throw new KilnError('import-unreadable', `${name} has more than ${DOCUMENT_LIMIT_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function addressOf(name: string): ObjectAddress {
  const [, bucketName, key] = /^objects\/([^/]+)\/(.+)$/s.exec(name) ?? [];
  const bucket = BUCKETS.find((each) => each === bucketName);
  if (bucket === undefined || key === undefined) {
    throw new KilnError(
      'import-unreadable',
      `the archive has "${name}", which is no object of a bucket of Kiln`,
    );
  }
  return { bucket, key };
}
