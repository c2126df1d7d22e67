/** Pages of the tables that hold records as JSON. Keyset paging: the last page costs as much as the first. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Page, PageQuery } from '../../../ports/page.ts';
import type { Tables } from './schema.ts';

type RecordTable =
  | 'images'
  | 'recipes'
  | 'public_keys'
  | 'deleted_images'
  | 'deleted_recipes'
  | 'deleted_public_keys';

export function pageOf<T>(db: Kysely<Tables>, table: RecordTable, query: PageQuery): Promise<Page<T>> {
  return pageOfJson<T>(db, { table, column: 'record_json', nameField: 'name' }, query);
}

interface JsonSource {
  readonly table: RecordTable | 'jobs';
  readonly column: 'record_json' | 'request_json';
  readonly nameField: 'name' | 'image_root_archive_name';
}

export async function pageOfJson<T>(
  db: Kysely<Tables>,
  { table, column, nameField }: JsonSource,
  query: PageQuery,
): Promise<Page<T>> {
  const json = sql.ref(column);
  /** The path is a literal, so that an index on the same expression serves; it is never what a client sent. */
  const member = (path: string) => sql`json_extract(${json}, ${sql.lit(path)})`;
  const { sort, after, limit } = query;
  const value = member(`$.${sort.field === 'name' ? nameField : sort.field}`);
  const direction = sort.descending ? sql`DESC` : sql`ASC`;
  const conditions: RawBuilder<unknown>[] = [
    ...Object.entries(query.fields).map(([field, text]) => sql`${member(`$.${field}`)} = ${text}`),
    ...Object.entries(query.metadata).map(
      ([key, text]) => sql`EXISTS (
        SELECT 1 FROM json_each(${json}, '$.metadata') AS entry
        WHERE entry.key = ${key} AND entry.value = ${text}
      )`,
    ),
  ];
  if (query.name !== undefined) {
    conditions.push(sql`${member(`$.${nameField}`)} GLOB ${query.name}`);
  }
  if (after !== undefined) {
    const beyond = sort.descending ? sql`<` : sql`>`;
    conditions.push(sql`(${value}, position) ${beyond} (${after.value}, ${after.position})`);
  }
  const where = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
  const { rows } = await sql<{ position: number; value: string; record: string }>`
    SELECT position, ${value} AS value, ${json} AS record FROM ${sql.table(table)} ${where}
    ORDER BY ${value} ${direction}, position ${direction} LIMIT ${limit + 1}`.execute(db);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    records: rows.slice(0, limit).map((row): T => JSON.parse(row.record)),
    next: last && { value: last.value, position: last.position },
  };
}
