/** What other rooms may use of objects. */
export { type Cleaner, createCleaner } from './cleaner.ts';
export { addressOf, type LinkCheck, mustExist, ownAddress, pathOf } from './links.ts';
export { type ObjectRoutesDeps, objectRoutes } from './routes.ts';
export { loadSigningKey } from './signing.ts';
