/** Turns the query of a list into a query of the records, and gives the page as the answer wants it. */
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import { type ListQuery, PAGE_LIMIT } from '../../contract/listing.ts';
import type { Page, PagePosition, PageQuery } from '../../ports/page.ts';

const Position = Type.Object({ value: Type.String(), position: Type.Integer() });

export interface Listed<T> {
  readonly records: T[];
  readonly nextCursor: string | undefined;
}

export interface ListFilters {
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Each `KEY=VALUE`. */
  readonly metadata?: readonly string[] | undefined;
}

/**
 * `fields` and `metadata` are filters of the noun. The whole list, in the order of registration, is asked of
 * `list`; everything else of `page`. Throws `bad-cursor`.
 */
export async function listed<T>(
  store: { list(): Promise<T[]>; page(query: PageQuery): Promise<Page<T>> },
  query: ListQuery,
  filters: ListFilters = {},
): Promise<Listed<T>> {
  const fields = definedOf(filters.fields ?? {});
  const metadata = Object.fromEntries((filters.metadata ?? []).map(pairOf));
  const isWhole =
    query.limit === undefined &&
    query.cursor === undefined &&
    query.name === undefined &&
    query.sort === undefined &&
    Object.keys({ ...fields, ...metadata }).length === 0;
  if (isWhole) {
    return { records: await store.list(), nextCursor: undefined };
  }
  const { records, next } = await store.page({
    limit: query.limit ?? PAGE_LIMIT,
    after: query.cursor === undefined ? undefined : positionOf(query.cursor),
    sort: {
      field: query.sort?.endsWith('name') ? 'name' : 'created',
      descending: query.sort?.startsWith('-') ?? false,
    },
    name: query.name,
    fields,
    metadata,
  });
  return { records, nextCursor: next && cursorOf(next) };
}

function cursorOf(position: PagePosition): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function positionOf(cursor: string): PagePosition {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Check(Position, position)) {
      return position;
    }
  } catch {
    // What cannot be read is refused like everything else that is no cursor.
  }
  throw new KilnError('bad-cursor', `"${cursor}" is no cursor of a list`);
}

function pairOf(text: string): [string, string] {
  const place = text.indexOf('=');
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place + 1)];
}

function definedOf(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
