/** What other rooms may use of export and import. */
export { type ExchangeRoutesDeps, exchangeRoutes } from './routes.ts';
export { type Converted, createExchange } from './service.ts';
