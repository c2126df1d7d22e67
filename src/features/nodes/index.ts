/** What other rooms may use of build nodes. */
export { type NodeRoutesDeps, nodeRoutes } from './routes.ts';
export { createNodeService } from './service.ts';
export { createNodeWatch, type NodeReach } from './watch.ts';
