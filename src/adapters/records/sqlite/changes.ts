import type { Kysely } from 'kysely';
import type { ChangeStore } from '../../../ports/changes.ts';
import type { Tables } from './schema.ts';

const KEPT = 10_000;
/** Old ones go when this many have gathered beyond those that are kept. */
const SLACK = 1_000;

export function changeStore(db: Kysely<Tables>): ChangeStore {
  const range: ChangeStore['range'] = async () => {
    const row = await db
      .selectFrom('changes')
      .select((on) => [on.fn.min('sequence').as('oldest'), on.fn.max('sequence').as('latest')])
      .executeTakeFirst();
    return { oldest: row?.oldest ?? 0, latest: row?.latest ?? 0 };
  };
  return {
    range,
    async append(changes) {
      if (changes.length === 0) {
        return;
      }
      await db
        .insertInto('changes')
        .values([...changes])
        .execute();
      const { oldest, latest } = await range();
      if (latest - oldest >= KEPT + SLACK) {
        await db
          .deleteFrom('changes')
          .where('sequence', '<=', latest - KEPT)
          .execute();
      }
    },
    after: (sequence, limit) =>
      db
        .selectFrom('changes')
        .selectAll()
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .limit(limit)
        .execute(),
  };
}
