/** The journal of changes as server-sent events, which a client can take up again where it lost them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Log } from '../../platform/log.ts';
import { type EventStream, openEventStream } from '../../platform/sse.ts';
import type { ChangeStore } from '../../ports/changes.ts';
import type { Announcer } from './announcer.ts';

export interface ChangeRoutesDeps {
  readonly journal: ChangeStore;
  readonly announcer: Announcer;
  readonly log: Log;
}

const BATCH = 500;
/** Another replica may have made a change: the journal is looked at this often in any case. */
const POLL_MS = 1_000;

export function changeRoutes({ journal, announcer, log }: ChangeRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const closing = new AbortController();
    app.addHook('preClose', async () => closing.abort());
    app.get(
      '/kiln/v1/events',
      {
        schema: {
          operationId: 'streamEvents',
          summary:
            'Follow all changes as server-sent events: image.created, recipe.deleted, job.updated and so on',
          description:
            'The id of an event is its sequence number; the data is a ChangeEvent. A client that comes back with ' +
            'Last-Event-ID misses nothing; when it was away for too long it gets an event "reset" first, and has to ' +
            'read the lists anew.',
          tags: ['events'],
          querystring: Type.Object({
            after: Type.Optional(
              Type.Integer({
                minimum: 0,
                description: 'Send what came after this number; only what is new unless given',
              }),
            ),
          }),
          headers: Type.Object({
            'last-event-id': Type.Optional(
              Type.String({ pattern: '^[0-9]+$', description: 'The same as after, as browsers send it' }),
            ),
          }),
        },
      },
      async (request, reply) => {
        const asked = request.headers['last-event-id'] ?? request.query.after;
        const { oldest, latest } = await journal.range();
        const after = asked === undefined ? latest : Number(asked);
        const stream = openEventStream(reply, closing.signal);
        follow(stream, after, after + 1 < oldest || after > latest)
          .catch((error: unknown) => log.error({ err: error }, 'the stream of changes broke off'))
          .finally(() => stream.end());
      },
    );
  };

  async function follow(stream: EventStream, after: number, isLost: boolean): Promise<void> {
    let last = after;
    if (isLost) {
      last = (await journal.range()).latest;
      await stream.send({ id: String(last), event: 'reset', data: '{}' });
    }
    while (!stream.signal.aborted) {
      const woken = announcer.next(POLL_MS, stream.signal);
      const changes = await journal.after(last, BATCH);
      for (const change of changes) {
        const { sequence, noun, kind } = change;
        await stream.send({ id: String(sequence), event: `${noun}.${kind}`, data: JSON.stringify(change) });
        last = sequence;
      }
      if (changes.length < BATCH) {
        await woken;
      }
    }
  }
}
