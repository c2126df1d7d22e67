/** Public keys on the reference's wire. A key is never changed, and its text never looked at. */
import type { FastifyInstance } from 'fastify';
import { sendJson, sendNothing } from './answers.ts';
import { readBody } from './body.ts';
import { forEachRecord } from './bulk.ts';
import { wirePublicKey } from './records.ts';
import { parameter, resource } from './resource.ts';
import { text } from './scalars.ts';
import type { ImsServices } from './services.ts';
import { object, required } from './validation.ts';

const newPublicKey = object({ name: required(text({ min: 1 })), public_key: required(text({ min: 1 })) });

/** `hard`: deletions are for good, as in v2 and at the unversioned addresses. */
export function publicKeyRoutes(
  app: FastifyInstance,
  { publicKeys, deletedPublicKeys }: ImsServices,
  { hard }: { hard: boolean },
): void {
  const remove = (id: string) =>
    hard ? deletedPublicKeys.hardDelete(id, { cascade: true }) : deletedPublicKeys.bury(id, {});

  resource(app, '/public-keys', {
    GET: async (_request, reply) => sendJson(reply, 200, (await publicKeys.list()).map(wirePublicKey)),
    POST: async (request, reply) =>
      sendJson(reply, 201, wirePublicKey(await publicKeys.create(readBody(request, newPublicKey)))),
    async DELETE(_request, reply) {
      await forEachRecord(await publicKeys.list(), ({ id }) => remove(id));
      return sendNothing(reply);
    },
  });

  resource(app, '/public-keys/:id', {
    GET: async (request, reply) =>
      sendJson(reply, 200, wirePublicKey(await publicKeys.get(parameter(request, 'id')))),
    async DELETE(request, reply) {
      await remove(parameter(request, 'id'));
      return sendNothing(reply);
    },
  });
}
