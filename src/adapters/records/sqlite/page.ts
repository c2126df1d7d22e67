/** Pages of the tables that hold records as JSON. Keyset paging: the last page costs as much as the first. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Page, PageQuery } from '../../../ports/page.ts';
import type { Tables } from './schema.ts';

type RecordTable = 'images' | 'recipes' | 'public_keys';

export async function pageOf<T>(db: Kysely<Tables>, table: RecordTable, query: PageQuery): Promise<Page<T>> {
  const { sort, after, limit } = query;
  const value = member(`$.${sort.field}`);
  const direction = sort.descending ? sql`DESC` : sql`ASC`;
  const conditions: RawBuilder<unknown>[] = [
    ...Object.entries(query.fields).map(([field, text]) => sql`${member(`$.${field}`)} = ${text}`),
    ...Object.entries(query.metadata).map(
      ([key, text]) => sql`EXISTS (
        SELECT 1 FROM json_each(record_json, '$.metadata') AS entry
        WHERE entry.key = ${key} AND entry.value = ${text}
      )`,
    ),
  ];
  if (query.name !== undefined) {
    conditions.push(sql`${member('$.name')} GLOB ${query.name}`);
  }
  if (after !== undefined) {
    const beyond = sort.descending ? sql`<` : sql`>`;
    conditions.push(sql`(${value}, position) ${beyond} (${after.value}, ${after.position})`);
  }
  const where = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
  const { rows } = await sql<{ position: number; value: string; record_json: string }>`
    SELECT position, ${value} AS value, record_json FROM ${sql.table(table)} ${where}
    ORDER BY ${value} ${direction}, position ${direction} LIMIT ${limit + 1}`.execute(db);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    records: rows.slice(0, limit).map((row): T => JSON.parse(row.record_json)),
    next: last && { value: last.value, position: last.position },
  };
}

/** The path is a literal, so that an index on the same expression serves; it is never what a client sent. */
function member(path: string): RawBuilder<unknown> {
  return sql`json_extract(record_json, ${sql.lit(path)})`;
}
