/** What other rooms may use of recipes. */
export { createDeletedRecipes, type DeletedRecipeService } from './deleted.ts';
export { type RecipeRoutesDeps, recipeRoutes } from './routes.ts';
export { createRecipeService, type RecipeService } from './service.ts';
