/** What other rooms may use of signing keys. */
export { type SigningKeyRoutesDeps, signingKeyRoutes } from './routes.ts';
export { createSigningKeyService } from './service.ts';
