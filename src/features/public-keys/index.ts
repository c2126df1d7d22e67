/** What other rooms may use of public keys. */
export { publicKeyRoutes } from './routes.ts';
export { createPublicKeyService, type PublicKeyService } from './service.ts';
