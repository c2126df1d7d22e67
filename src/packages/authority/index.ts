/** The certificate authority of the platform, for the rooms that wire it. */
export { type Authority, createAuthority } from './authority.ts';
export { type AuthorityRoutesDeps, authorityRoutes } from './routes.ts';
