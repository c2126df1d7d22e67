/** What other rooms may use of public keys. */
export { createDeletedPublicKeys } from './deleted.ts';
export { type PublicKeyRoutesDeps, publicKeyRoutes } from './routes.ts';
export { createPublicKeyService } from './service.ts';
