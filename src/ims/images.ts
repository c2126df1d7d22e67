/** Images on the reference's wire. */
import type { FastifyInstance } from 'fastify';
import type { Image, ImageUpdate } from '../contract/images.ts';
import type { LinkCheck } from '../features/objects/index.ts';
import { sendJson, sendList, sendNothing } from './answers.ts';
import { readBody } from './body.ts';
import { forEachRecord } from './bulk.ts';
import { architecture, link, metadataChange, newMetadata, withEtag } from './fields.ts';
import { linkToSet } from './links.ts';
import { checkManifest } from './manifest.ts';
import { wireImage } from './records.ts';
import { cascadeOf, parameter, resource } from './resource.ts';
import { text } from './scalars.ts';
import type { ImsServices } from './services.ts';
import { nullable, object, optional, required, withDefault } from './validation.ts';

const newImage = object({
  name: required(text({ min: 1 })),
  link: optional(nullable(link)),
  arch: withDefault(architecture, 'x86_64'),
  metadata: withDefault(newMetadata, {}),
});

const imageChange = object({
  link: optional(link),
  arch: optional(architecture),
  metadata: optional(metadataChange),
});

/** `hard`: deletions are for good, as in v2 and at the unversioned addresses. */
export function imageRoutes(
  app: FastifyInstance,
  { images, deletedImages, objects }: ImsServices,
  { hard }: { hard: boolean },
): void {
  const check: LinkCheck = (given) => checkManifest(objects, given);

  const remove = (id: string, cascade: boolean) =>
    hard ? deletedImages.hardDelete(id, { cascade }) : deletedImages.bury(id, {});

  resource(app, '/images', {
    GET: async (_request, reply) => sendList(reply, images.each(), wireImage),
    async POST(request, reply) {
      const given = readBody(request, newImage);
      const image = await images.create({ ...given, link: withEtag(given.link) }, check);
      return sendJson(reply, 201, wireImage(image));
    },
    async DELETE(request, reply) {
      const cascade = cascadeOf(request);
      await forEachRecord(await images.list(), ({ id }) => remove(id, cascade));
      return sendNothing(reply);
    },
  });

  resource(app, '/images/:id', {
    GET: async (request, reply) =>
      sendJson(reply, 200, wireImage(await images.get(parameter(request, 'id')))),
    async PATCH(request, reply) {
      const { id } = await images.get(parameter(request, 'id'));
      const given = readBody(request, imageChange);
      const change = (before: Image): ImageUpdate => ({
        ...linkToSet(before, given.link),
        ...(given.arch === undefined ? {} : { arch: given.arch }),
        ...(given.metadata === undefined ? {} : { metadata: given.metadata(before.metadata) }),
      });
      const image = await images.update(id, change, check);
      return sendJson(reply, 200, wireImage(image));
    },
    async DELETE(request, reply) {
      await remove(parameter(request, 'id'), cascadeOf(request));
      return sendNothing(reply);
    },
  });
}
