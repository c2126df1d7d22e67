/** What other rooms may use of public keys. */
export { createDeletedPublicKeys, type DeletedPublicKeyService } from './deleted.ts';
export { type PublicKeyRoutesDeps, publicKeyRoutes } from './routes.ts';
export { createPublicKeyService, type PublicKeyService } from './service.ts';
