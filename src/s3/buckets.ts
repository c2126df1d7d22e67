/** Operations on buckets. */
import { BUCKETS, type ObjectStore, type ObjectSummary } from '../features/objects/store.ts';
import { type Answer, xml } from './answer.ts';
import { type Body, readText } from './body.ts';
import { S3Error, s3ErrorOf } from './errors.ts';
import { bucketOf, queryOf, type S3Request } from './request.ts';
import { element, parseXml, result } from './xml.ts';

const MAX_KEYS = 1000;
const DELETE_LIMIT_BYTES = 2 * 1024 * 1024;
const OWNER = element('Owner', element('ID', 'kiln') + element('DisplayName', 'kiln'), { raw: true });

export function listBuckets(): Answer {
  const created = element('CreationDate', new Date(0).toISOString());
  const buckets = BUCKETS.map((name) =>
    element('Bucket', element('Name', name) + created, { raw: true }),
  ).join('');
  return xml(result('ListAllMyBucketsResult', OWNER + element('Buckets', buckets, { raw: true })));
}

/** Both versions of the list; they differ in how a page names the next. */
export async function listObjects(request: S3Request, objects: ObjectStore): Promise<Answer> {
  const bucket = bucketOf(request);
  const second = queryOf(request, 'list-type') === '2';
  const prefix = queryOf(request, 'prefix') ?? '';
  const delimiter = queryOf(request, 'delimiter') ?? '';
  const limit = limitOf(queryOf(request, 'max-keys'));
  const token = queryOf(request, 'continuation-token');
  const after = second
    ? token === undefined
      ? queryOf(request, 'start-after')
      : Buffer.from(token, 'base64url').toString('utf8')
    : queryOf(request, 'marker');
  const page = await pageOf(objects.list(bucket, prefix), { prefix, delimiter, limit, after: after ?? '' });
  const name = queryOf(request, 'encoding-type') === 'url' ? encodeKey : (key: string) => key;
  const last = page.entries.at(-1)?.name ?? '';
  return xml(
    result(
      'ListBucketResult',
      [
        element('Name', bucket),
        element('Prefix', name(prefix)),
        delimiter === '' ? '' : element('Delimiter', name(delimiter)),
        element('MaxKeys', limit),
        queryOf(request, 'encoding-type') === 'url' ? element('EncodingType', 'url') : '',
        second ? element('KeyCount', page.entries.length) : element('Marker', name(after ?? '')),
        element('IsTruncated', page.truncated),
        page.truncated && second
          ? element('NextContinuationToken', Buffer.from(last).toString('base64url'))
          : '',
        page.truncated && !second ? element('NextMarker', name(last)) : '',
        ...page.entries.map((entry) =>
          entry.object === undefined
            ? element('CommonPrefixes', element('Prefix', name(entry.name)), { raw: true })
            : element('Contents', contentsOf(entry.object, name), { raw: true }),
        ),
      ].join(''),
    ),
  );
}

interface Entry {
  readonly name: string;
  /** Undefined for what several keys have in common up to the delimiter. */
  readonly object: ObjectSummary | undefined;
}

async function pageOf(
  objects: AsyncIterable<ObjectSummary>,
  by: { prefix: string; delimiter: string; limit: number; after: string },
): Promise<{ entries: Entry[]; truncated: boolean }> {
  const entries: Entry[] = [];
  for await (const object of objects) {
    const end = by.delimiter === '' ? -1 : object.key.indexOf(by.delimiter, by.prefix.length);
    const name = end === -1 ? object.key : object.key.slice(0, end + by.delimiter.length);
    if (name === entries.at(-1)?.name || Buffer.compare(Buffer.from(name), Buffer.from(by.after)) <= 0) {
      continue;
    }
    if (entries.length === by.limit) {
      return { entries, truncated: by.limit > 0 };
    }
    entries.push({ name, object: end === -1 ? object : undefined });
  }
  return { entries, truncated: false };
}

function contentsOf(object: ObjectSummary, name: (key: string) => string): string {
  return [
    element('Key', name(object.key)),
    element('LastModified', object.modified.toISOString()),
    element('ETag', `"${object.etag}"`),
    element('Size', object.sizeBytes),
    element('StorageClass', 'STANDARD'),
  ].join('');
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? MAX_KEYS);
  if (!Number.isInteger(limit) || limit < 0) {
    throw new S3Error('InvalidArgument', `max-keys is a number from 0, not "${text}"`);
  }
  return Math.min(limit, MAX_KEYS);
}

function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/');
}

/** Deletes many; each that fails says so, and the others are gone. */
export async function deleteObjects(request: S3Request, objects: ObjectStore, body: Body): Promise<Answer> {
  const bucket = bucketOf(request);
  const { keys, quiet } = readDelete(await readText(body, DELETE_LIMIT_BYTES));
  const answers: string[] = [];
  for (const key of keys) {
    try {
      await objects.delete({ bucket, key });
      answers.push(quiet ? '' : element('Deleted', element('Key', key), { raw: true }));
    } catch (cause) {
      const error = s3ErrorOf(cause);
      const fields = element('Key', key) + element('Code', error.code) + element('Message', error.message);
      answers.push(element('Error', fields, { raw: true }));
    }
  }
  return xml(result('DeleteResult', answers.join('')));
}

function readDelete(text: string): { keys: string[]; quiet: boolean } {
  const { Delete } = parsed(text, ['Object']) as {
    Delete?: { Object?: Array<{ Key?: unknown }>; Quiet?: string };
  };
  const keys = (Delete?.Object ?? []).map(({ Key }) => Key).filter((key) => typeof key === 'string');
  if (keys.length === 0 || keys.length > MAX_KEYS) {
    throw new S3Error('MalformedXML', `the body names 1 to ${MAX_KEYS} keys: <Delete><Object><Key>…`);
  }
  return { keys, quiet: Delete?.Quiet === 'true' };
}

/** Throws `MalformedXML`. */
export function parsed(text: string, lists: readonly string[]): object {
  try {
    const value = parseXml(text, lists);
    if (typeof value === 'object' && value !== null) {
      return value;
    }
  } catch {
    // Said below: what the parser says is of no use to a client.
  }
  throw new S3Error('MalformedXML', 'the body is no well-formed XML');
}
