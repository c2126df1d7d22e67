/** Package repositories over HTTP: their records, and uploads to hosted ones. */
import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import {
  Repository,
  RepositoryCreate,
  RepositoryName,
  RepositoryPackage,
  RepositoryUpdate,
} from '../../contract/repositories.ts';
import type { RepositoryService } from './service.ts';

export interface RepositoryRoutesDeps {
  readonly repositories: RepositoryService;
}

const tags = ['repositories'];
const params = Type.Object({ name: RepositoryName });
const packageParams = Type.Object({
  name: RepositoryName,
  '*': Type.String({ minLength: 1, description: 'Path in the repository' }),
});
const LIST_LIMIT = 1000;

export function repositoryRoutes({ repositories }: RepositoryRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/repositories',
      {
        schema: {
          operationId: 'listRepositories',
          summary: 'List all package repositories in the order in which they were made',
          tags,
          response: { 200: Type.Array(Repository, { description: 'All repositories' }) },
        },
      },
      async () => repositories.list(),
    );
    app.post(
      '/kiln/v1/repositories',
      {
        schema: {
          operationId: 'createRepository',
          summary: 'Make a package repository',
          tags,
          body: RepositoryCreate,
          response: { 201: Repository },
        },
      },
      async (request, reply) => reply.code(201).send(await repositories.create(request.body)),
    );
    app.get(
      '/kiln/v1/repositories/:name',
      {
        schema: {
          operationId: 'getRepository',
          summary: 'Describe a package repository',
          tags,
          params,
          response: { 200: Repository },
        },
      },
      async (request) => repositories.get(request.params.name),
    );
    app.patch(
      '/kiln/v1/repositories/:name',
      {
        schema: {
          operationId: 'updateRepository',
          summary: 'Change the upstream of a proxy or the members of a group',
          tags,
          params,
          body: RepositoryUpdate,
          response: { 200: Repository },
        },
      },
      async (request) => repositories.update(request.params.name, request.body),
    );
    app.delete(
      '/kiln/v1/repositories/:name',
      {
        schema: {
          operationId: 'deleteRepository',
          summary: 'Delete a package repository with all its packages, for good',
          tags,
          params,
          response: { 204: Type.Null({ description: 'It is deleted' }) },
        },
      },
      async (request, reply) => {
        await repositories.delete(request.params.name);
        return reply.code(204).send(null);
      },
    );
    app.post(
      '/kiln/v1/repositories/:name/publish',
      {
        schema: {
          operationId: 'publishRepository',
          summary: 'Make a revision of what is pending, or ask the upstream anew, and wait for it',
          tags,
          params,
          response: { 200: Repository },
        },
      },
      async (request) => repositories.publish(request.params.name),
    );
    app.get(
      '/kiln/v1/repositories/:name/packages',
      {
        schema: {
          operationId: 'listRepositoryPackages',
          summary: 'List the packages of a repository by path, a page at a time',
          tags,
          params,
          querystring: Type.Object({
            limit: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: LIST_LIMIT,
                description: `At most this many; ${LIST_LIMIT} unless given`,
              }),
            ),
            after: Type.Optional(Type.String({ description: 'Path of the last package of the page before' })),
          }),
          response: { 200: Type.Array(RepositoryPackage, { description: 'One page of packages' }) },
        },
      },
      async ({ params: { name }, query: { limit = LIST_LIMIT, after } }) =>
        repositories.packages(name, { limit, after }),
    );
    app.delete(
      '/kiln/v1/repositories/:name/packages/*',
      {
        schema: {
          operationId: 'deleteRepositoryPackage',
          summary: 'Leave a package of a hosted repository out from the next revision on',
          tags,
          params: packageParams,
          response: { 204: Type.Null({ description: 'It will be left out' }) },
        },
      },
      async (request, reply) => {
        await repositories.remove(request.params.name, request.params['*']);
        return reply.code(204).send(null);
      },
    );
    await app.register(uploadRoutes({ repositories }));
  };
}

/** Apart, because packages are streamed: their bodies are never parsed. */
function uploadRoutes({ repositories }: RepositoryRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.put(
      '/kiln/v1/repositories/:name/packages/*',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          operationId: 'uploadRepositoryPackage',
          summary: 'Upload a package to a hosted repository; a revision with it follows by itself',
          tags,
          params: packageParams,
          headers: Type.Object({
            'x-kiln-sha256': Type.Optional(
              Type.String({ description: 'SHA-256 that the package has to have' }),
            ),
          }),
          response: { 201: RepositoryPackage },
        },
      },
      async (request, reply) => {
        const { name, '*': path } = request.params;
        const stored = await repositories.upload(name, path, request.body as Readable, {
          sha256: request.headers['x-kiln-sha256'],
        });
        return reply.code(201).send(stored);
      },
    );
  };
}
