import type { Kysely } from 'kysely';
import type { Image } from '../../../contract/images.ts';
import type { ImageStore } from '../../../features/images/store.ts';
import { pageOf } from './page.ts';
import type { Tables } from './schema.ts';

/** Records that are read at once where all are walked through. */
const PART = 250;

export function imageStore(db: Kysely<Tables>): ImageStore {
  const parse = (row: { record_json: string } | undefined): Image | undefined =>
    row === undefined ? undefined : JSON.parse(row.record_json);
  return {
    async list() {
      const rows = await db.selectFrom('images').select('record_json').orderBy('position').execute();
      return rows.map((row): Image => JSON.parse(row.record_json));
    },
    async *each() {
      const { last } = await db
        .selectFrom('images')
        .select((on) => on.fn.max('position').as('last'))
        .executeTakeFirstOrThrow();
      for (let after = 0; after < (last ?? 0); ) {
        const rows = await db
          .selectFrom('images')
          .select(['position', 'record_json'])
          .where('position', '>', after)
          .where('position', '<=', last)
          .orderBy('position')
          .limit(PART)
          .execute();
        for (const row of rows) {
          yield JSON.parse(row.record_json) as Image;
        }
        after = rows.length < PART ? last : (rows.at(-1)?.position ?? last);
      }
    },
    page: (query) => pageOf<Image>(db, 'images', query),
    async find(id) {
      return parse(
        await db.selectFrom('images').select('record_json').where('id', '=', id).executeTakeFirst(),
      );
    },
    async insert(image) {
      await db
        .insertInto('images')
        .values({ id: image.id, ...columnsOf(image) })
        .execute();
    },
    async update(image) {
      const result = await db
        .updateTable('images')
        .set(columnsOf(image))
        .where('id', '=', image.id)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(id) {
      const result = await db.deleteFrom('images').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async findByLinkPath(path) {
      return parse(
        await db.selectFrom('images').select('record_json').where('link_path', '=', path).executeTakeFirst(),
      );
    },
  };
}

function columnsOf(image: Image) {
  return { link_path: image.link?.path ?? null, record_json: JSON.stringify(image) };
}
