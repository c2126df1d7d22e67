/**
 * A client of the tests with crashes: it carries out commands on records that it shares with others, and notes for
 * each record what it asked for, when, and what was answered. A request that fails because the service is down has
 * an unknown outcome; what has an idempotency key or may simply be sent again is, once the service is back.
 */
import { randomUUID } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ARTIFACT_MEDIA_TYPES } from '../../src/contract/images.ts';
import { checkedFetch, WrongAnswer } from './checked-fetch.ts';
import { ARTIFACTS, contentOf, GONE, type KnownRecord, type RecordState } from './record-judge.ts';

/** `delete` can be taken back; `remove` is that of the reference's version 2 and cannot. */
export const CHANGES = ['rename', 'mark', 'delete', 'undelete', 'purge', 'remove'] as const;
type Change = (typeof CHANGES)[number];

export type Command =
  | { readonly what: 'create image'; readonly over: 'native' | 's3' }
  | { readonly what: 'create recipe' | 'list' }
  | { readonly what: Change; readonly which: number };

/** What the client is told of the service: whether it is there. */
export interface Presence {
  /** A request is about to be sent. */
  asking(): void;
  /** Settles when the service answers again. */
  up(): Promise<void>;
  /** Whether it went down since the sequence began, so that a request may fail. */
  readonly hasCrashed: boolean;
}

export interface SequenceClientDeps {
  readonly url: string;
  readonly s3: S3Client;
  readonly presence: Presence;
  /** Of all clients of the sequence. */
  readonly records: KnownRecord[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Carries out the commands one after the other. */
export async function runCommands(deps: SequenceClientDeps, commands: readonly Command[]): Promise<void> {
  for (const command of commands) {
    await runCommand(deps, command);
  }
}

async function runCommand(deps: SequenceClientDeps, command: Command): Promise<void> {
  switch (command.what) {
    case 'create image':
      return command.over === 'native' ? await uploadImage(deps) : await linkImage(deps);
    case 'create recipe':
      return await createRecipe(deps);
    case 'list':
      await list(deps, 'images');
      return await list(deps, 'recipes');
    default: {
      const record = deps.records[command.which % deps.records.length];
      if (record !== undefined) {
        await carryOut(deps, record, deedOf(record, command.what));
      }
    }
  }
}

/** A request about one record, and what it does when it is carried out. */
interface Deed {
  readonly method: string;
  readonly path: string;
  readonly body?: object | string;
  /** Where the record has to be for it; it is answered with 404 otherwise. */
  readonly needs: 'active' | 'deleted';
  readonly effect: (state: RecordState) => RecordState;
}

function deedOf({ noun, id }: KnownRecord, what: Change): Deed {
  const active = { needs: 'active', path: `/kiln/v1/${noun}/${id}` } as const;
  const deleted = { needs: 'deleted', path: `/kiln/v1/deleted/${noun}/${id}` } as const;
  const value = randomUUID().slice(0, 8);
  const rename = { ...active, method: 'PATCH', body: { name: value } };
  switch (what) {
    case 'mark':
      if (noun === 'images') {
        const body = { metadata: { mark: value } };
        return { ...rename, body, effect: (state) => ({ ...state, mark: value }) };
      }
      return { ...rename, effect: (state) => ({ ...state, name: value }) };
    case 'rename':
      return { ...rename, effect: (state) => ({ ...state, name: value }) };
    case 'delete':
      return { ...active, method: 'DELETE', effect: (state) => ({ ...state, where: 'deleted' }) };
    case 'undelete': {
      const path = `${deleted.path}/undelete`;
      return { ...deleted, path, method: 'POST', effect: (state) => ({ ...state, where: 'active' }) };
    }
    case 'purge':
      return { ...deleted, method: 'DELETE', effect: () => GONE };
    case 'remove':
      return { ...active, path: `/v2/${noun}/${id}`, method: 'DELETE', effect: () => GONE };
  }
}

/** Carries it out and notes it. Gives the status; undefined when it is unknown what became of it. */
async function carryOut(
  deps: SequenceClientDeps,
  record: KnownRecord,
  { method, path, body, needs, effect }: Deed,
): Promise<number | undefined> {
  const asked = performance.now();
  const answer = await send(deps, method, path, body);
  const status = answer?.status;
  const isMissing = status === 404;
  if (status !== undefined && status >= 300 && !isMissing) {
    throw new Error(`${method} ${path} was answered with ${status} ${JSON.stringify(answer?.body)}`);
  }
  record.operations.push({
    name: `${method} ${path} ${typeof body === 'object' ? JSON.stringify(body) : ''} → ${status ?? 'no answer'}`,
    asked,
    answered: status === undefined ? undefined : performance.now(),
    apply(state) {
      if ((state.where === needs) === isMissing) {
        return undefined;
      }
      return isMissing ? state : effect(state);
    },
  });
  return status;
}

async function list(deps: SequenceClientDeps, noun: KnownRecord['noun']): Promise<void> {
  const known = deps.records.filter((record) => record.noun === noun);
  const asked = performance.now();
  const answer = await send(deps, 'GET', `/kiln/v1/${noun}`);
  if (answer === undefined) {
    return;
  }
  const answered = performance.now();
  const listed = answer.body as { id: string; name: string }[];
  for (const { id, operations } of known) {
    const name = listed.find((each) => each.id === id)?.name;
    operations.push({
      name: `GET /kiln/v1/${noun} → ${name === undefined ? 'not in it' : `as ${name}`}`,
      asked,
      answered,
      apply: (state) => ((state.where === 'active' ? state.name : undefined) === name ? state : undefined),
    });
  }
}

/** A record that the service has for sure, once however often it had to be asked. */
async function create(
  deps: SequenceClientDeps,
  noun: KnownRecord['noun'],
  fields: object,
): Promise<KnownRecord> {
  const key = randomUUID();
  const name = key.slice(0, 8);
  for (;;) {
    const answer = await send(
      deps,
      'POST',
      `/kiln/v1/${noun}`,
      { name, ...fields },
      { 'idempotency-key': key },
    );
    if (answer === undefined) {
      continue;
    }
    if (answer.status !== 201) {
      throw new Error(`a record was not created: ${JSON.stringify(answer)}`);
    }
    const { id } = answer.body as { id: string };
    return { noun, id, before: { where: 'active', name, mark: '', linked: false }, operations: [] };
  }
}

const unchanged = (state: RecordState): RecordState => state;
const linking = (state: RecordState): RecordState => ({ ...state, linked: true });

/** Over the native API. Others know the image from the first moment on, and may delete it meanwhile. */
async function uploadImage(deps: SequenceClientDeps): Promise<void> {
  const image = await create(deps, 'images', {});
  deps.records.push(image);
  const base = `/kiln/v1/images/${image.id}`;
  for (const artifact of ARTIFACTS) {
    const path = `${base}/artifacts/${artifact}`;
    const body = contentOf(image.id, artifact);
    let status: number | undefined;
    while (status === undefined) {
      const deed: Deed = { method: 'PUT', path, body, needs: 'active', effect: unchanged };
      status = await carryOut(deps, image, deed);
    }
    if (status === 404) {
      return;
    }
  }
  await carryOut(deps, image, { method: 'POST', path: `${base}/publish`, needs: 'active', effect: linking });
}

/** As the tools of the reference do it: everything is put into the store, then linked. */
async function linkImage(deps: SequenceClientDeps): Promise<void> {
  const image = await create(deps, 'images', {});
  const linkTo = async (name: string, content: string) => {
    const etag = await put(deps, `${image.id}/${name}`, content);
    return { path: `s3://boot-images/${image.id}/${name}`, type: 's3', etag };
  };
  const artifacts = [];
  for (const artifact of ARTIFACTS) {
    const link = await linkTo(artifact, contentOf(image.id, artifact));
    artifacts.push({ type: ARTIFACT_MEDIA_TYPES[artifact], md5: link.etag, link });
  }
  const manifest = { version: '1.0', created: '2026-01-01 00:00:00.000000', artifacts };
  const body = { link: await linkTo('manifest.json', JSON.stringify(manifest)) };
  deps.records.push(image);
  const path = `/kiln/v1/images/${image.id}`;
  await carryOut(deps, image, { method: 'PATCH', path, body, needs: 'active', effect: linking });
}

async function createRecipe(deps: SequenceClientDeps): Promise<void> {
  const recipe = await create(deps, 'recipes', { linux_distribution: 'debian12' });
  deps.records.push(recipe);
  const path = `/kiln/v1/recipes/${recipe.id}/archive`;
  const body = contentOf(recipe.id, 'recipe.tar.gz');
  await carryOut(deps, recipe, { method: 'PUT', path, body, needs: 'active', effect: linking });
}

/** Through the S3 protocol; gives the entity tag. */
async function put({ s3, presence }: SequenceClientDeps, Key: string, Body: string): Promise<string> {
  for (;;) {
    presence.asking();
    try {
      const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket: 'boot-images', Key, Body }));
      return ETag.replaceAll('"', '');
    } catch (error) {
      const isAnswer = error instanceof Error && '$response' in error && error.$response !== undefined;
      if (isAnswer || !presence.hasCrashed) {
        throw error;
      }
      await presence.up();
    }
  }
}

/** Undefined when no answer came because the service went down; it is there again then. */
async function send(
  { url, presence }: SequenceClientDeps,
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Answer | undefined> {
  const type = typeof body === 'object' ? 'application/json' : 'application/octet-stream';
  presence.asking();
  try {
    const response = await checkedFetch(url + path, {
      method,
      signal: AbortSignal.timeout(30_000),
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : body }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  } catch (error) {
    const isHanging = error instanceof Error && error.name === 'TimeoutError';
    if (error instanceof WrongAnswer || isHanging || !presence.hasCrashed) {
      throw error;
    }
    await presence.up();
    return undefined;
  }
}
