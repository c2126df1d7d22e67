/** Jobs on the reference's wire. */
import type { FastifyInstance } from 'fastify';
import { JOB_STATUSES } from '../contract/jobs.ts';
import { problem, sendError, sendJson, sendNothing } from './answers.ts';
import { readBody } from './body.ts';
import { matches, parseJobFilter } from './job-filters.ts';
import { acceptJob, newJob } from './job-request.ts';
import { wireJob } from './job-view.ts';
import { parameter, queryValues, resource } from './resource.ts';
import { oneOf, uuidVerbatim } from './scalars.ts';
import type { ImsOptions, ImsServices } from './services.ts';
import { object, optional } from './validation.ts';

const jobChange = object({
  status: optional(oneOf(JOB_STATUSES)),
  resultant_image_id: optional(uuidVerbatim),
});

export function jobRoutes(
  app: FastifyInstance,
  services: ImsServices,
  { naming, now }: Pick<ImsOptions, 'naming' | 'now'>,
): void {
  const { jobs } = services;

  resource(app, '/jobs', {
    GET: async (_request, reply) =>
      sendJson(
        reply,
        200,
        (await jobs.list()).map((job) => wireJob(job, naming)),
      ),
    async POST(request, reply) {
      const { input, sshContainer } = await acceptJob(services, readBody(request, newJob));
      return sendJson(reply, 201, wireJob(await jobs.create(input, sshContainer), naming));
    },
    async DELETE(request, reply) {
      const names = Object.keys(request.query as object);
      const filter = parseJobFilter(names, (name) => queryValues(request, name), now());
      const failures: string[] = [];
      for (const { job } of await jobs.list()) {
        if (matches(filter, job)) {
          await jobs.remove(job.id).catch((error: unknown) => {
            request.log.error({ err: error, job: job.id }, 'a job could not be deleted');
            failures.push(`${job.id}: ${error instanceof Error ? error.message : error}`);
          });
        }
      }
      if (failures.length > 0) {
        return sendError(reply, problem(500, 'Some of the jobs could not be deleted.', failures));
      }
      return sendNothing(reply);
    },
  });

  resource(app, '/jobs/:id', {
    GET: async (request, reply) =>
      sendJson(reply, 200, wireJob(await jobs.get(parameter(request, 'id')), naming)),
    async PATCH(request, reply) {
      const { job } = await jobs.get(parameter(request, 'id'));
      const { status, resultant_image_id } = readBody(request, jobChange);
      const changed = await jobs.say(job.id, {
        ...(status === undefined ? {} : { status }),
        ...(resultant_image_id === undefined ? {} : { resultantImageId: resultant_image_id }),
      });
      return sendJson(reply, 200, wireJob(changed, naming));
    },
    async DELETE(request, reply) {
      await jobs.remove(parameter(request, 'id'));
      return sendNothing(reply);
    },
  });
}
