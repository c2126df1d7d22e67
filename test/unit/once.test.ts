/** Requests with an idempotency key, over HTTP and a real database. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/contract/public-keys.ts';
import { publicKeyRoutes } from '../../src/features/public-keys/index.ts';
import { silentLog as log } from '../../src/platform/log.ts';
import { createApp } from '../../src/server/app.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type Nouns, openNouns } from '../support/nouns.ts';

const BODY = { name: 'mine', public_key: 'ssh-ed25519 AAAA' };

let folder: string;
let nouns: Nouns;
let app: Awaited<ReturnType<typeof createApp>>;
let url: string;

async function start(): Promise<void> {
  nouns = await openNouns(folder);
  app = await createApp({ log, version: '0', checks: {}, routes: [publicKeyRoutes(nouns.features)] });
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/kiln/v1/public-keys`;
}
async function stop(): Promise<void> {
  await app.close();
  await nouns.close();
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-once-'));
  await start();
});
afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

async function post(key: string | undefined, body: object) {
  const response = await checkedFetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as PublicKey };
}

describe('a request with an idempotency key', () => {
  it('is carried out once, even when it comes many times at once, and after a restart', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => post('k-1', BODY)));
    await stop();
    await start();
    answers.push(await post('k-1', BODY));

    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(await nouns.features.publicKeys.list()).toHaveLength(1);
  });

  it('is finished when the service died between the key and the record', async () => {
    const first = await post('k-1', BODY);
    await nouns.records.transaction((inside) => inside.publicKeys.delete(first.body.id));
    const entry = await nouns.records.idempotency.find('k-1');
    await nouns.records.idempotency.put({ ...(entry ?? expect.fail('the key is not known')), done: false });

    const again = await post('k-1', BODY);

    expect(again.body.id).toBe(first.body.id);
    expect(await nouns.features.publicKeys.list()).toHaveLength(1);
  });

  it('is refused with another body, and when what it made is deleted', async () => {
    const first = await post('k-1', BODY);

    expect((await post('k-1', { ...BODY, name: 'other' })).body).toMatchObject({
      status: 422,
      code: 'idempotency-key-reused',
    });
    await nouns.features.deletedPublicKeys.bury(first.body.id);
    expect((await post('k-1', BODY)).body).toMatchObject({ status: 409, code: 'idempotency-key-spent' });
  });

  it('without a key is carried out each time', async () => {
    await post(undefined, BODY);
    await post(undefined, BODY);
    expect(await nouns.features.publicKeys.list()).toHaveLength(2);
  });
});
