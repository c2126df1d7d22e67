/** All routes of the service, in the order in which the API description lists them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type ImageService, imageRoutes } from '../features/images/index.ts';
import { type ObjectRoutesDeps, objectRoutes } from '../features/objects/index.ts';
import { type PublicKeyService, publicKeyRoutes } from '../features/public-keys/index.ts';
import { type RecipeService, recipeRoutes } from '../features/recipes/index.ts';
import { type JobRoutesDeps, jobRoutes } from '../jobs/routes.ts';
import { type RunnerRoutesDeps, runnerRoutes } from '../jobs/runner-routes.ts';

export interface RouteDeps extends ObjectRoutesDeps, JobRoutesDeps, RunnerRoutesDeps {
  readonly recipes: RecipeService;
  readonly images: ImageService;
  readonly publicKeys: PublicKeyService;
}

export function routesOf(deps: RouteDeps): FastifyPluginAsyncTypebox[] {
  return [
    recipeRoutes(deps),
    imageRoutes(deps),
    publicKeyRoutes(deps),
    jobRoutes(deps),
    objectRoutes(deps),
    runnerRoutes(deps),
  ];
}
