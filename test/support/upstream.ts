/** A repository of somebody else, as far as a proxy sees it: an HTTP server that answers as a test says. */
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface UpstreamAnswer {
  readonly status?: number;
  readonly body?: Buffer;
  /** The request is taken and never answered. */
  readonly hang?: boolean;
}

export interface Upstream {
  readonly url: string;
  /** Every path that was asked for, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** Undefined is a 404. Knows its answers again by their ETag. */
export async function startUpstream(
  answer: (path: string, authorization: string | undefined) => UpstreamAnswer | undefined,
  tls?: { cert: string; key: string },
): Promise<Upstream> {
  const asked: string[] = [];
  const listener: RequestListener = ({ url = '', headers }, response) => {
    const path = url.replace(/^\/+/, '');
    asked.push(path);
    const said = answer(path, headers.authorization);
    if (said?.hang) {
      return;
    }
    const { status = 200, body = Buffer.from('nothing') } = said ?? { status: 404 };
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    if (status === 200 && headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(status, { etag, 'content-length': body.length }).end(body);
  };
  const server = tls === undefined ? createServer(listener) : createHttpsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
