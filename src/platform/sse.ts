/**
 * Writes server-sent events onto a response that Fastify has let go of: waits for a slow client, keeps a quiet
 * connection open, and ends when the client or the service goes.
 */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';

const HEARTBEAT_MS = 15_000;

export interface ServerSentEvent {
  /** Where a client that reconnects goes on; sent back by it as `Last-Event-ID`. */
  readonly id?: string;
  readonly event?: string;
  /** One line. */
  readonly data: string;
}

export interface EventStream {
  /** Aborts when nobody reads any more, or the service ends. */
  readonly signal: AbortSignal;
  /** Settles when the client can take more; does nothing once the signal has aborted. */
  send(event: ServerSentEvent): Promise<void>;
  end(): void;
}

export function openEventStream(reply: FastifyReply, closing: AbortSignal): EventStream {
  reply.hijack();
  const { raw } = reply;
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, closing]);
  raw.on('close', () => gone.abort());
  raw.on('error', () => gone.abort());
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) {
      raw.setHeader(name, value);
    }
  }
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    // Kept alive for nothing after its stream, the connection would hold up the end of the service.
    connection: 'close',
    // Proxies that collect a response before they pass it on would make the stream useless.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  const heartbeat = setInterval(() => {
    if (!raw.writableNeedDrain) {
      raw.write(': alive\n\n');
    }
  }, HEARTBEAT_MS);

  return {
    signal,
    async send(event) {
      if (signal.aborted || raw.write(format(event))) {
        return;
      }
      try {
        await once(raw, 'drain', { signal });
      } catch (error) {
        if (!signal.aborted) {
          throw error;
        }
      }
    },
    end() {
      clearInterval(heartbeat);
      raw.end();
    },
  };
}

function format({ id, event, data }: ServerSentEvent): string {
  const fields = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    `data: ${data}`,
  ];
  return `${fields.join('\n')}\n\n`;
}
