import type { Recipe } from '../../contract/recipes.ts';
import type { Page, PageQuery } from '../../ports/page.ts';

/** The port to the records of recipes. Lists are in the order of registration. */
export interface RecipeStore {
  list(): Promise<Recipe[]>;
  page(query: PageQuery): Promise<Page<Recipe>>;
  find(id: string): Promise<Recipe | undefined>;
  insert(recipe: Recipe): Promise<void>;
  /** Replaces the record with the same id; false when there is none. */
  update(recipe: Recipe): Promise<boolean>;
  delete(id: string): Promise<boolean>;
  findByLinkPath(path: string): Promise<Recipe | undefined>;
}
