/**
 * Not the service: a stand-in that answers a runner just well enough to test the runner alone. It keeps recipe and
 * uploads in memory, believes every token, verifies nothing, and breaks connections when it is told to.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunnerCompletion, RunnerReport } from '../../src/contract/runner.ts';
import { parseRange } from '../../src/platform/byte-range.ts';

export interface FakeControlPlane {
  readonly url: string;
  readonly reports: RunnerReport[];
  readonly completions: RunnerCompletion[];
  /** What was uploaded, by the last part of its address. */
  readonly uploads: Map<string, Buffer>;
  /** Requests as `METHOD PATH [Range]`, in the order in which they came. */
  readonly requests: string[];
  /** What the next requests for the recipe get instead of all of it: so many bytes and a broken connection. */
  readonly breakRecipeAfter: number[];
  /** What the next uploads get: a status, or other bytes than they sent. */
  readonly uploadFaults: (number | 'corrupt')[];
  /** Whether reports are answered with a request to stop. */
  cancel: boolean;
  close(): Promise<void>;
}

export async function startFakeControlPlane(recipe: Buffer = Buffer.alloc(0)): Promise<FakeControlPlane> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const plane: FakeControlPlane = {
    url: `http://127.0.0.1:${port}`,
    reports: [],
    completions: [],
    uploads: new Map(),
    requests: [],
    breakRecipeAfter: [],
    uploadFaults: [],
    cancel: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', plane.url).pathname;
    const { range } = request.headers;
    plane.requests.push([request.method, path, range].filter((part) => part !== undefined).join(' '));
    if (path === '/recipe') {
      const { start, end } = parseRange(range, recipe.length) ?? { start: 0, end: recipe.length - 1 };
      serveRecipe(response, start, end);
      return;
    }
    const body = await bodyOf(request);
    if (request.method === 'PUT') {
      store(response, path.split('/').at(-1) ?? '', body);
      return;
    }
    if (path.endsWith('/report')) {
      plane.reports.push(JSON.parse(body.toString()));
      json(response, 200, { cancel: plane.cancel });
      return;
    }
    if (path.endsWith('/complete')) {
      plane.completions.push(JSON.parse(body.toString()));
      json(response, 200, {
        id: '1b4e28ba-2fa1-41d2-883f-0016d3cca427',
        created: new Date().toISOString(),
        name: 'test',
        arch: 'x86_64',
        metadata: {},
        link: null,
        job_id: null,
      });
      return;
    }
    json(response, 404, {});
  }

  function serveRecipe(response: ServerResponse, start: number, end: number): void {
    const data = recipe.subarray(start, end + 1);
    const limit = plane.breakRecipeAfter.shift();
    const headers = { 'content-range': `bytes ${start}-${end}/${recipe.length}` };
    response.writeHead(206, { 'content-length': data.length, ...headers });
    if (limit === undefined) {
      response.end(data);
    } else {
      response.write(data.subarray(0, limit), () => response.destroy());
    }
  }

  function store(response: ServerResponse, name: string, body: Buffer): void {
    const fault = plane.uploadFaults.shift();
    if (typeof fault === 'number') {
      json(response, fault, { detail: 'as the test wants it' });
      return;
    }
    const data = fault === 'corrupt' ? Buffer.concat([body, Buffer.from('!')]) : body;
    plane.uploads.set(name, data);
    const digest = (algorithm: string) => createHash(algorithm).update(data).digest('hex');
    json(response, 200, {
      size_bytes: data.length,
      md5: digest('md5'),
      sha256: digest('sha256'),
      etag: `"${digest('md5')}"`,
    });
  }

  return plane;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
