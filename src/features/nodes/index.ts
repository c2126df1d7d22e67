/** What other rooms may use of build nodes. */
export { createNodeService } from './service.ts';
