/** A stand-in for the service that answers what a test tells it to, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Job, JobStep } from '../../contract/jobs.ts';
import type { Recipe } from '../../contract/recipes.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Handler = (asked: Asked, response: ServerResponse) => void;

export interface StandIn extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Answers `METHOD /path` from now on; the query is no part of it. */
  on(route: string, handler: Handler): void;
}

export async function startStandIn(): Promise<StandIn> {
  const asked: Asked[] = [];
  const handlers = new Map<string, Handler>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks) };
      asked.push(one);
      const handler = handlers.get(`${method} ${url.split('?')[0]}`);
      if (handler === undefined) {
        problem(response, 404, 'not-found', `no ${method} ${url} in this test`);
      } else {
        handler(one, response);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    on: (route, handler) => handlers.set(route, handler),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  const document = { type: `urn:kiln:error:${code}`, code, status, title: 'Title', detail, hint: 'Hint' };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(document));
}

export const RECIPE_ID = '7d1f0000-0000-4000-8000-000000000001';
export const JOB_ID = '9b0c0000-0000-4000-8000-000000000002';
export const IMAGE_ID = '2f3c0000-0000-4000-8000-000000000003';

export function recipeOf(also: Partial<Recipe> = {}): Recipe {
  return {
    id: RECIPE_ID,
    created: '2026-01-01T00:00:00.000Z',
    name: 'compute',
    recipe_type: 'kiwi-ng',
    linux_distribution: 'debian12',
    template_dictionary: [],
    arch: 'x86_64',
    require_dkms: true,
    link: null,
    ...also,
  };
}

export function stepOf(also: Partial<JobStep> = {}): JobStep {
  return {
    name: 'prepare',
    title: 'Install the root of the image',
    state: 'pending',
    started: null,
    finished: null,
    progress: null,
    note: null,
    first_line: null,
    ...also,
  };
}

export function jobOf(also: Partial<Job> = {}): Job {
  return {
    id: JOB_ID,
    created: '2026-01-01T00:00:00.000Z',
    job_type: 'create',
    artifact_id: RECIPE_ID,
    image_root_archive_name: 'compute',
    public_key_id: null,
    enable_debug: false,
    build_env_size: 10,
    job_mem_size: 8,
    kernel_file_name: null,
    initrd_file_name: null,
    kernel_parameters_file_name: 'boot_parameters',
    require_dkms: true,
    arch: 'x86_64',
    status: 'building_image',
    state: 'running',
    started: '2026-01-01T00:00:01.000Z',
    finished: null,
    heartbeat: null,
    steps: [stepOf()],
    log_lines: 0,
    changes: [],
    node: null,
    node_labels: {},
    place: null,
    secret_names: [],
    shell: null,
    checkpoint: null,
    retry_of: null,
    reason: null,
    resultant_image_id: null,
    ...also,
  };
}

export const SUCCEEDED: Partial<Job> = {
  state: 'succeeded',
  status: 'success',
  finished: '2026-01-01T00:01:01.000Z',
  resultant_image_id: IMAGE_ID,
};
