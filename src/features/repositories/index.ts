/** What other rooms may use of package repositories. */
export { type RepositoryRoutesDeps, repositoryRoutes } from './routes.ts';
export { createRepositoryService } from './service.ts';
