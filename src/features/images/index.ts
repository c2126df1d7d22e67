/** What other rooms may use of images. */
export { createImageContent } from './content.ts';
export { type ContentRoutesDeps, contentRoutes } from './content-routes.ts';
export { createDeletedImages } from './deleted.ts';
export { readListing } from './listing.ts';
export { type ImageRoutesDeps, imageRoutes } from './routes.ts';
export { createImageService } from './service.ts';
