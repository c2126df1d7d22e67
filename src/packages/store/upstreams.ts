/** What is known of the upstreams of proxies. */
import type { Kysely } from 'kysely';
import type { Tables } from './schema.ts';

export interface UpstreamState {
  /** When it last answered, RFC 3339. */
  readonly checked: string | null;
  /** Why it could not be asked the last time. */
  readonly problem: string | null;
  /** Entity tags by path. */
  readonly validators: Readonly<Record<string, string>>;
}

export function upstreamIndex(db: Kysely<Tables>) {
  return {
    async find(repository: string): Promise<UpstreamState> {
      const row = await db
        .selectFrom('upstreams')
        .selectAll()
        .where('repository', '=', repository)
        .executeTakeFirst();
      return row === undefined
        ? { checked: null, problem: null, validators: {} }
        : { checked: row.checked, problem: row.problem, validators: JSON.parse(row.validators_json) };
    },
    async put(repository: string, { checked, problem, validators }: UpstreamState): Promise<void> {
      const state = { checked, problem, validators_json: JSON.stringify(validators) };
      await db
        .insertInto('upstreams')
        .values({ repository, ...state })
        .onConflict((conflict) => conflict.column('repository').doUpdateSet(state))
        .execute();
    },
  };
}
