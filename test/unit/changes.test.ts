/** The journal of changes and its stream, over a real database and HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeRoutes, createAnnouncer } from '../../src/features/changes/index.ts';
import { silentLog as log } from '../../src/platform/log.ts';
import { createApp } from '../../src/server/app.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type Nouns, openNouns } from '../support/nouns.ts';

let folder: string;
let nouns: Nouns;
let app: Awaited<ReturnType<typeof createApp>>;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-changes-'));
  const announcer = createAnnouncer();
  nouns = await openNouns(folder, undefined, announcer.announce);
  const routes = [changeRoutes({ journal: nouns.records.changes, announcer, log })];
  app = await createApp({ log, version: '0', checks: {}, routes });
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/kiln/v1/events`;
});
afterEach(async () => {
  await app.close();
  await nouns.close();
  await rm(folder, { recursive: true, force: true });
});

/** Reads events until there are as many as asked for; `meanwhile` runs once the stream is open. */
async function events(count: number, headers: Record<string, string>, meanwhile = async () => {}) {
  const response = await checkedFetch(url, {
    headers,
    signal: AbortSignal.timeout(10_000),
  });
  await meanwhile();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    const found = [...text.matchAll(/^id: (\d+)\nevent: (\S+)\ndata: (.*)\n\n/gm)];
    if (found.length >= count) {
      return found.map(([, id, event]) => ({ id: Number(id), event: String(event) }));
    }
  }
  throw new Error(`the stream ended early: ${text}`);
}

async function lifeOfAnImage(): Promise<void> {
  const image = await nouns.makeImage('compute', {});
  await nouns.features.deletedImages.bury(image.id);
  await nouns.features.deletedImages.undelete(image.id);
  await nouns.features.deletedImages.bury(image.id);
  await nouns.features.deletedImages.purge(image.id);
}
const LIFE = ['created', 'updated', 'deleted', 'undeleted', 'deleted', 'purged'].map(
  (kind) => `image.${kind}`,
);

describe('the stream of changes', () => {
  it('tells each change once, in order, while it is followed', async () => {
    const seen = await events(LIFE.length, {}, lifeOfAnImage);

    expect(seen.map(({ event }) => event)).toEqual(LIFE);
    expect(seen.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('goes on where a client left off', async () => {
    await lifeOfAnImage();

    const seen = await events(4, { 'last-event-id': '2' });

    expect(seen.map(({ event }) => event)).toEqual(LIFE.slice(2));
  });

  it('says so when it cannot, and begins anew', async () => {
    await lifeOfAnImage();

    const seen = await events(2, { 'last-event-id': '99' }, async () => {
      await nouns.features.publicKeys.create({ name: 'key', public_key: 'ssh-ed25519 AAAA' });
    });

    expect(seen.map(({ event }) => event)).toEqual(['reset', 'public_key.created']);
  });

  it('does not tell of what was not stored', async () => {
    await expect(
      nouns.records.transaction(async (inside) => {
        await inside.publicKeys.insert({ id: 'x', created: '', name: 'x', public_key: 'x' });
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');

    expect(await nouns.records.changes.after(0, 10)).toEqual([]);
  });
});
