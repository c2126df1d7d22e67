/** What other rooms may use of the journal of changes. */
export { type Announcer, createAnnouncer } from './announcer.ts';
export { journaled } from './journal.ts';
export { type ChangeRoutesDeps, changeRoutes } from './routes.ts';
