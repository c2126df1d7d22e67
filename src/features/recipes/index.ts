/** What other rooms may use of recipes. */
export { createDeletedRecipes } from './deleted.ts';
export { type RecipeRoutesDeps, recipeRoutes } from './routes.ts';
export { createRecipeService } from './service.ts';
