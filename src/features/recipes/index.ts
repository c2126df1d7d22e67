/** What other rooms may use of recipes. */
export { recipeRoutes } from './routes.ts';
export { createRecipeService, type RecipeService } from './service.ts';
