import type { Kysely } from 'kysely';
import type { Recipe } from '../../../contract/recipes.ts';
import type { RecipeStore } from '../../../features/recipes/store.ts';
import { pageOf } from './page.ts';
import type { Tables } from './schema.ts';

export function recipeStore(db: Kysely<Tables>): RecipeStore {
  const parse = (row: { record_json: string } | undefined): Recipe | undefined =>
    row === undefined ? undefined : JSON.parse(row.record_json);
  return {
    async list() {
      const rows = await db.selectFrom('recipes').select('record_json').orderBy('position').execute();
      return rows.map((row): Recipe => JSON.parse(row.record_json));
    },
    page: (query) => pageOf<Recipe>(db, 'recipes', query),
    async find(id) {
      return parse(
        await db.selectFrom('recipes').select('record_json').where('id', '=', id).executeTakeFirst(),
      );
    },
    async insert(recipe) {
      await db
        .insertInto('recipes')
        .values({ id: recipe.id, ...columnsOf(recipe) })
        .execute();
    },
    async update(recipe) {
      const result = await db
        .updateTable('recipes')
        .set(columnsOf(recipe))
        .where('id', '=', recipe.id)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(id) {
      const result = await db.deleteFrom('recipes').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async findByLinkPath(path) {
      return parse(
        await db.selectFrom('recipes').select('record_json').where('link_path', '=', path).executeTakeFirst(),
      );
    },
  };
}

function columnsOf(recipe: Recipe) {
  return { link_path: recipe.link?.path ?? null, record_json: JSON.stringify(recipe) };
}
