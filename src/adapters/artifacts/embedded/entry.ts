/** The entry of an object on disk, parsed once. */
import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { ObjectAddress, ObjectInfo } from '../../../features/objects/store.ts';

const EntryFile = Type.Object({
  key: Type.String(),
  blob: Type.String({ pattern: '^[0-9a-f-]+$' }),
  size_bytes: Type.Integer({ minimum: 0 }),
  md5: Type.Union([Type.String(), Type.Null()]),
  sha256: Type.Union([Type.String(), Type.Null()]),
  etag: Type.Optional(Type.String()),
  content_type: Type.String(),
  metadata: Type.Record(Type.String(), Type.String()),
  modified: Type.String(),
});

export interface Entry {
  info: ObjectInfo;
  blob: string;
}

export function entryText(object: Entry): string {
  const { info, blob } = object;
  return JSON.stringify({
    key: info.key,
    blob,
    size_bytes: info.sizeBytes,
    etag: info.etag,
    md5: info.md5,
    sha256: info.sha256,
    content_type: info.contentType,
    metadata: info.metadata,
    modified: info.modified.toISOString(),
  });
}

/** Undefined when there is no such file. Throws when it is not an entry. */
export async function readEntry(file: string, bucket: ObjectAddress['bucket']): Promise<Entry | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
  const entry: unknown = JSON.parse(text);
  if (!Check(EntryFile, entry)) {
    throw new Error(`${file} is no entry of an object`);
  }
  return {
    blob: entry.blob,
    info: {
      bucket,
      key: entry.key,
      sizeBytes: entry.size_bytes,
      md5: entry.md5,
      sha256: entry.sha256,
      etag: entry.etag ?? entry.md5 ?? '',
      contentType: entry.content_type,
      metadata: entry.metadata,
      modified: new Date(entry.modified),
    },
  };
}
