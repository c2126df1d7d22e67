/** What other rooms may use of images. */
export { createDeletedImages } from './deleted.ts';
export { readListing } from './listing.ts';
export { type ImageRoutesDeps, imageRoutes } from './routes.ts';
export { createImageService } from './service.ts';
