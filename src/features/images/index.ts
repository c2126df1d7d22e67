/** What other rooms may use of images. */
export { imageRoutes } from './routes.ts';
export { createImageService, type ImageService } from './service.ts';
