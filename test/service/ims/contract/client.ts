/**
 * A client that trusts nothing: every answer is checked against what the contract says about all answers of its
 * kind, whatever the test that asked for it is about.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from 'vitest';
import { addressOf } from '../../../../src/features/objects/index.ts';
import type { InProcessService } from '../../../support/service.ts';

// biome-ignore format: one line a noun
export const KEYS = {
  images: ['arch', 'created', 'id', 'link', 'metadata', 'name'],
  recipes: ['arch', 'created', 'id', 'link', 'linux_distribution', 'name', 'recipe_type', 'require_dkms', 'template_dictionary'],
  'public-keys': ['created', 'id', 'name', 'public_key'],
  'remote-build-nodes': ['xname'],
  status: ['ableToRunJobs', 'nodeArch', 'numCurrentJobs', 'podmanStatus', 'sshStatus', 'xname'],
  jobs: [
    'arch', 'artifact_id', 'build_env_size', 'created', 'enable_debug', 'id', 'image_root_archive_name',
    'initrd_file_name', 'job_mem_size', 'job_type', 'kernel_file_name', 'kernel_parameters_file_name',
    'kubernetes_configmap', 'kubernetes_job', 'kubernetes_namespace', 'kubernetes_pvc', 'kubernetes_secret',
    'kubernetes_service', 'public_key_id', 'remote_build_node', 'require_dkms', 'resultant_image_id',
    'ssh_containers', 'status',
  ],
} as const;

export const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/;

export type Record_ = Record<string, unknown> & { id: string };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, when there is one. */
  readonly json: unknown;
}

export type WireClient = ReturnType<typeof wireClient>;

export function wireClient(service: InProcessService) {
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(service.url + path, { method, ...init });
    const text = await response.text();
    const answer = {
      status: response.status,
      headers: response.headers,
      text,
      json: text === '' ? undefined : JSON.parse(text),
    };
    checkAnswer(method, path, answer);
    return answer;
  };
  const withBody = (method: string, path: string, body: unknown) =>
    send(method, path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const client = {
    send,
    get: (path: string) => send('GET', path),
    post: (path: string, body: unknown) => withBody('POST', path, body),
    patch: (path: string, body: unknown) => withBody('PATCH', path, body),
    /** A store that is slow moves objects after the answer; tests look at them when they have been moved. */
    async delete(path: string): Promise<Answer> {
      const answer = await send('DELETE', path);
      await service.settled();
      return answer;
    },

    /** The records of a collection. */
    async list(path: string): Promise<Record_[]> {
      const answer = await send('GET', path);
      expect(answer.status, answer.text).toBe(200);
      return answer.json as Record_[];
    },
    /** Makes a record, and expects that it works. */
    async make(path: string, body: object): Promise<Record_> {
      const answer = await withBody('POST', path, body);
      expect(answer.status, answer.text).toBe(201);
      return answer.json as Record_;
    },

    /** Puts an object with metadata, as a client of the reference uploads it. */
    async put(path: string, content: string | Buffer, metadata: Record<string, string> = {}) {
      const data = Buffer.from(content);
      const md5sum = createHash('md5').update(data).digest('hex');
      return await service.objects.put(addressOf({ path }), Readable.from([data]), {
        metadata: { md5sum, ...metadata },
      });
    },
    /** Takes an object away behind the service's back. */
    async lose(path: string): Promise<void> {
      expect(await service.objects.delete(addressOf({ path })), path).toBe(true);
    },
    has: async (path: string): Promise<boolean> =>
      (await service.objects.head(addressOf({ path }))) !== undefined,
    async read(path: string): Promise<string> {
      const { data } = await service.objects.get(addressOf({ path }));
      return Buffer.concat(await data.toArray()).toString();
    },
    metadataOf: async (path: string) => (await service.objects.head(addressOf({ path })))?.metadata,
  };
  return client;
}

function checkAnswer(method: string, path: string, answer: Answer): void {
  const told = `${method} ${path}: ${answer.status} ${answer.text}`;
  if (method === 'HEAD' || method === 'OPTIONS') {
    expect(answer.text, told).toBe('');
    return;
  }
  if (answer.status === 204) {
    expect(answer.text, told).toBe('');
    expect(answer.headers.get('content-type'), told).toBe('application/json');
    return;
  }
  if (answer.status >= 400) {
    checkRefusal(answer, told);
    return;
  }
  expect(answer.headers.get('content-type'), told).toBe('application/json');
  const noun = path.replace(/\?.*$/, '').split('/');
  const isDeleted = noun.includes('deleted');
  const name = noun.includes('status') ? 'status' : Object.keys(KEYS).find((each) => noun.includes(each));
  const keys =
    name === undefined ? undefined : [...KEYS[name as keyof typeof KEYS], ...(isDeleted ? ['deleted'] : [])];
  for (const record of keys === undefined ? [] : [answer.json].flat()) {
    expect(Object.keys(record as object).sort(), told).toEqual(keys?.sort());
    checkValues(record as Record_, told);
  }
}

function checkValues(record: Record_, told: string): void {
  if (record.id !== undefined) {
    expect(record.id, told).toMatch(UUID_V4);
    expect(record['created'], told).toMatch(DATE);
  }
  if (record['link'] !== null && record['link'] !== undefined) {
    const link = record['link'] as object;
    expect(Object.keys(link).sort(), told).toEqual(['etag', 'path', 'type']);
    expect(
      Object.values(link).every((value) => typeof value === 'string'),
      told,
    ).toBe(true);
  }
}

/** Problem documents have exactly their keys; every 422 names fields. */
function checkRefusal(answer: Answer, told: string): void {
  const body = answer.json as Record<string, unknown>;
  const keys = Object.keys(body).sort();
  if (answer.headers.get('content-type') === 'application/json') {
    const allowed =
      answer.status === 405 ? [['detail', 'message', 'status', 'title'], ['message']] : [['message']];
    expect(allowed, told).toContainEqual(keys);
    expect(answer.status, told).toBeOneOf([400, 405, 415]);
    return;
  }
  expect(answer.headers.get('content-type'), told).toBe('application/problem+json');
  expect(body['status'], told).toBe(answer.status);
  const titles: Record<number, string> = { 404: 'Not Found', 409: 'Conflict', 422: 'Unprocessable Entity' };
  if (titles[answer.status] !== undefined) {
    expect(body['title'], told).toBe(titles[answer.status]);
  }
  const isQuery = answer.status === 400 && !('detail' in body);
  const expected =
    answer.status === 422 ? ['detail', 'errors', 'status', 'title'] : ['detail', 'status', 'title'];
  expect(keys, told).toEqual(isQuery ? ['status', 'title'] : expected);
}

/** Names of the fields that an answer complains about. */
export function fieldsOf(answer: Answer): string[] {
  return Object.keys((answer.json as { errors: object }).errors);
}
