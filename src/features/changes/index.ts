/** What other rooms may use of the journal of changes. */
export { createAnnouncer } from './announcer.ts';
export { journaled } from './journal.ts';
export { type ChangeRoutesDeps, changeRoutes } from './routes.ts';
