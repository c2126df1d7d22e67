/** What other rooms may use of images. */
export { createDeletedImages, type DeletedImageService } from './deleted.ts';
export { type ImageRoutesDeps, imageRoutes } from './routes.ts';
export { createImageService, type ImageService } from './service.ts';
