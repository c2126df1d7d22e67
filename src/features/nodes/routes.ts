/** Remote build nodes over HTTP. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { BuildNode, BuildNodeCreate, BuildNodeStatus, NodeKey } from '../../contract/nodes.ts';
import type { NodeService } from './service.ts';

export interface NodeRoutesDeps {
  readonly nodes: NodeService;
}

const tags = ['nodes'];
const params = Type.Object({ xname: BuildNode.properties.xname });

export function nodeRoutes({ nodes }: NodeRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/kiln/v1/nodes',
      {
        schema: {
          operationId: 'listNodes',
          summary: 'List all remote build nodes',
          tags,
          response: { 200: Type.Array(BuildNode, { description: 'All nodes' }) },
        },
      },
      async () => nodes.list(),
    );
    app.post(
      '/kiln/v1/nodes',
      {
        schema: {
          operationId: 'addNode',
          summary: 'Register a remote build node, or register it again',
          tags,
          body: BuildNodeCreate,
          response: { 201: BuildNode },
        },
      },
      async (request, reply) => reply.code(201).send(await nodes.add(request.body)),
    );
    app.get(
      '/kiln/v1/nodes/:xname',
      {
        schema: {
          operationId: 'getNode',
          summary: 'Describe a remote build node',
          tags,
          params,
          response: { 200: BuildNode },
        },
      },
      async (request) => nodes.get(request.params.xname),
    );
    app.get(
      '/kiln/v1/nodes/:xname/status',
      {
        schema: {
          operationId: 'getNodeStatus',
          summary: 'Say what is known about a remote build node; it is not asked for it',
          tags,
          params,
          response: { 200: BuildNodeStatus },
        },
      },
      async (request) => nodes.status(request.params.xname),
    );
    app.post(
      '/kiln/v1/nodes/:xname/check',
      {
        schema: {
          operationId: 'checkNode',
          summary: 'Have a remote build node looked at now; its status then has a new `checked`',
          tags,
          params,
          response: { 202: BuildNodeStatus },
        },
      },
      async (request, reply) => {
        return reply.code(202).send(await nodes.check(request.params.xname));
      },
    );
    app.get(
      '/kiln/v1/node-key',
      {
        schema: {
          operationId: 'getNodeKey',
          summary: 'The public key that remote build nodes have to authorize',
          tags,
          response: { 200: NodeKey },
        },
      },
      async () => nodes.key(),
    );
    app.delete(
      '/kiln/v1/nodes/:xname',
      {
        schema: {
          operationId: 'removeNode',
          summary: 'Forget a remote build node',
          tags,
          params,
          response: { 204: Type.Null({ description: 'It is forgotten' }) },
        },
      },
      async (request, reply) => {
        await nodes.remove(request.params.xname);
        return reply.code(204).send(null);
      },
    );
  };
}
