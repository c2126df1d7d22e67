/** What other rooms may use of deleted records. */
export { deletedAddress, restoredAddress } from './address.ts';
export { refuseOccupied } from './occupied.ts';
export { createOperations, type Operations } from './operations.ts';
export { deletedRoutes } from './routes.ts';
