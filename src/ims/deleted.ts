/** The deleted collections of v3: looked at, taken back, or deleted for good, one or all. */
import type { FastifyInstance } from 'fastify';
import { sendJson, sendNothing } from './answers.ts';
import { readBody } from './body.ts';
import { forEachRecord } from './bulk.ts';
import { deletedForm, wireImage, wirePublicKey, wireRecipe } from './records.ts';
import { parameter, resource } from './resource.ts';
import { oneOf } from './scalars.ts';
import type { DeletedCollection, ImsServices } from './services.ts';
import { object, required } from './validation.ts';

const operation = object({ operation: required(oneOf(['undelete'])) });

export function deletedRoutes(app: FastifyInstance, services: ImsServices): void {
  collection(app, '/deleted/images', services.deletedImages, deletedForm(wireImage));
  collection(app, '/deleted/recipes', services.deletedRecipes, deletedForm(wireRecipe));
  collection(app, '/deleted/public-keys', services.deletedPublicKeys, deletedForm(wirePublicKey));
}

function collection<T extends { readonly id: string }>(
  app: FastifyInstance,
  path: string,
  records: DeletedCollection<T>,
  present: (record: T) => object,
): void {
  resource(app, path, {
    GET: async (_request, reply) => sendJson(reply, 200, (await records.list()).map(present)),
    async PATCH(request, reply) {
      readBody(request, operation);
      await forEachRecord(await records.list(), ({ id }) => records.undelete(id));
      return sendNothing(reply);
    },
    async DELETE(_request, reply) {
      await forEachRecord(await records.list(), ({ id }) => records.purge(id));
      return sendNothing(reply);
    },
  });

  resource(app, `${path}/:id`, {
    GET: async (request, reply) => sendJson(reply, 200, present(await records.get(parameter(request, 'id')))),
    async PATCH(request, reply) {
      const { id } = await records.get(parameter(request, 'id'));
      readBody(request, operation);
      await records.undelete(id);
      return sendNothing(reply);
    },
    async DELETE(request, reply) {
      await records.purge(parameter(request, 'id'));
      return sendNothing(reply);
    },
  });
}
