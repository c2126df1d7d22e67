/** What other rooms may use of build nodes. */
export { createNodeService, type NodeService } from './service.ts';
