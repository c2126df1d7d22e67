/** Remote build nodes and what is known of them, under v3. A node called `status` is hidden by that address. */
import type { FastifyInstance } from 'fastify';
import type { BuildNode, BuildNodeStatus } from '../contract/nodes.ts';
import { sendJson, sendNothing } from './answers.ts';
import { readBody } from './body.ts';
import { forEachRecord } from './bulk.ts';
import { parameter, resource } from './resource.ts';
import { text } from './scalars.ts';
import type { ImsServices } from './services.ts';
import { object, required } from './validation.ts';

const newNode = object({ xname: required(text({ min: 1 })) });

export function nodeRoutes(app: FastifyInstance, { nodes }: ImsServices): void {
  resource(app, '/remote-build-nodes', {
    GET: async (_request, reply) => sendJson(reply, 200, (await nodes.list()).map(wireNode)),
    POST: async (request, reply) =>
      sendJson(reply, 201, wireNode(await nodes.add({ ...readBody(request, newNode) }))),
    async DELETE(_request, reply) {
      await forEachRecord(await nodes.list(), ({ xname }) => nodes.remove(xname));
      return sendNothing(reply);
    },
  });

  resource(app, '/remote-build-nodes/status', {
    async GET(_request, reply) {
      const known = await nodes.list();
      const statuses = await Promise.all(known.map(({ xname }) => nodes.status(xname)));
      return sendJson(reply, 200, statuses.map(wireStatus));
    },
  });

  resource(app, '/remote-build-nodes/status/:xname', {
    GET: async (request, reply) =>
      sendJson(reply, 200, wireStatus(await nodes.status(parameter(request, 'xname')))),
  });

  resource(app, '/remote-build-nodes/:xname', {
    GET: async (request, reply) =>
      sendJson(reply, 200, wireNode(await nodes.get(parameter(request, 'xname')))),
    async DELETE(request, reply) {
      await nodes.remove(parameter(request, 'xname'));
      return sendNothing(reply);
    },
  });
}

function wireNode({ xname }: BuildNode) {
  return { xname };
}

function wireStatus(status: BuildNodeStatus) {
  return {
    xname: status.xname,
    sshStatus: status.ssh_status,
    podmanStatus: status.runtime_status,
    nodeArch: status.arch,
    numCurrentJobs: status.jobs,
    ableToRunJobs: status.able,
  };
}
