/** What other rooms may use of images. */
export { companionsIn } from './companions.ts';
export { createImageContent } from './content.ts';
export { type ContentRoutesDeps, contentRoutes } from './content-routes.ts';
export { createDeletedImages } from './deleted.ts';
export { createImageHistories } from './history.ts';
export { type HistoryRoutesDeps, historyRoutes } from './history-routes.ts';
export { readListing } from './listing.ts';
export { type ImageRoutesDeps, imageRoutes } from './routes.ts';
export { createImageService } from './service.ts';
