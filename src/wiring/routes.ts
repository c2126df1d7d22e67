/** All routes of the service, in the order in which the API description lists them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { DeletedImage, DeletedPublicKey, DeletedRecipe } from '../contract/deleted.ts';
import { Image } from '../contract/images.ts';
import { PublicKey } from '../contract/public-keys.ts';
import { Recipe } from '../contract/recipes.ts';
import { type ChangeRoutesDeps, changeRoutes } from '../features/changes/index.ts';
import { deletedRoutes } from '../features/deleted/index.ts';
import { type ExchangeRoutesDeps, exchangeRoutes } from '../features/exchange/index.ts';
import {
  type ContentRoutesDeps,
  contentRoutes,
  type HistoryRoutesDeps,
  historyRoutes,
  type ImageRoutesDeps,
  imageRoutes,
} from '../features/images/index.ts';
import { type NodeRoutesDeps, nodeRoutes } from '../features/nodes/index.ts';
import { type ObjectRoutesDeps, objectRoutes } from '../features/objects/index.ts';
import { type PublicKeyRoutesDeps, publicKeyRoutes } from '../features/public-keys/index.ts';
import { type RecipeRoutesDeps, recipeRoutes } from '../features/recipes/index.ts';
import { type RepositoryRoutesDeps, repositoryRoutes } from '../features/repositories/index.ts';
import { type SigningKeyRoutesDeps, signingKeyRoutes } from '../features/signing-keys/index.ts';
import { type InspectionRoutesDeps, inspectionRoutes } from '../jobs/inspection-routes.ts';
import { type RecordingRoutesDeps, recordingRoutes } from '../jobs/recording-routes.ts';
import { type RetryRoutesDeps, retryRoutes } from '../jobs/retry-routes.ts';
import { type JobRoutesDeps, jobRoutes } from '../jobs/routes.ts';
import { type RunnerRoutesDeps, runnerRoutes } from '../jobs/runner-routes.ts';
import { type ShellRoutesDeps, shellRoutes } from '../jobs/shell-routes.ts';
import { type AuthorityRoutesDeps, authorityRoutes } from '../packages/authority/index.ts';
import { type CredentialRoutesDeps, credentialRoutes } from '../s3/index.ts';

export interface RouteDeps
  extends RecipeRoutesDeps,
    ImageRoutesDeps,
    ContentRoutesDeps,
    HistoryRoutesDeps,
    PublicKeyRoutesDeps,
    ChangeRoutesDeps,
    ObjectRoutesDeps,
    NodeRoutesDeps,
    RepositoryRoutesDeps,
    SigningKeyRoutesDeps,
    CredentialRoutesDeps,
    ExchangeRoutesDeps,
    AuthorityRoutesDeps,
    JobRoutesDeps,
    InspectionRoutesDeps,
    ShellRoutesDeps,
    RecordingRoutesDeps,
    RetryRoutesDeps,
    RunnerRoutesDeps {}

export function routesOf(deps: RouteDeps): FastifyPluginAsyncTypebox[] {
  return [
    recipeRoutes(deps),
    imageRoutes(deps),
    contentRoutes(deps),
    historyRoutes(deps),
    publicKeyRoutes(deps),
    deletedRoutes([
      {
        noun: 'recipes',
        name: 'Recipe',
        singular: 'recipe',
        deleted: DeletedRecipe,
        restored: Recipe,
        service: deps.deletedRecipes,
      },
      {
        noun: 'images',
        name: 'Image',
        singular: 'image',
        deleted: DeletedImage,
        restored: Image,
        service: deps.deletedImages,
      },
      {
        noun: 'public-keys',
        name: 'PublicKey',
        singular: 'public key',
        deleted: DeletedPublicKey,
        restored: PublicKey,
        service: deps.deletedPublicKeys,
      },
    ]),
    jobRoutes(deps),
    nodeRoutes(deps),
    repositoryRoutes(deps),
    signingKeyRoutes(deps),
    changeRoutes(deps),
    objectRoutes(deps),
    credentialRoutes(deps),
    exchangeRoutes(deps),
    authorityRoutes(deps),
    inspectionRoutes(deps),
    shellRoutes(deps),
    recordingRoutes(deps),
    retryRoutes(deps),
    runnerRoutes(deps),
  ];
}
