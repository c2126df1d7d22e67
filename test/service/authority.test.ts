/** The certificate authority over HTTP, in a whole service: a change of roots, and what each answer says. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let service: InProcessService;
let client: KilnClient;
beforeAll(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  client = createClient({ baseUrl: service.url, fetch: checkedFetch });
});
afterAll(() => service.close());

it('changes from one root to the next, and survives a restart on the way', async () => {
  const first = await client.authority.get();
  expect(first.roots.map(({ role }) => role)).toEqual(['current']);
  const old = first.roots[0]?.id ?? '';

  const rotated = await client.authority.rotate();
  expect(rotated.roots.map(({ role }) => role)).toEqual(['current', 'next']);
  const pem = await client.authority.certificates();
  expect(pem).toBe(rotated.roots.map((root) => root.pem).join(''));
  expect(new X509Certificate(pem).ca).toBe(true);
  await expect(client.authority.rotate()).rejects.toMatchObject({ code: 'authority-conflict' });

  await service.restart();
  client = createClient({ baseUrl: service.url, fetch: checkedFetch });
  const activated = await client.authority.activate();
  expect(activated.roots.map(({ id, role }) => [id, role])).toEqual([
    [rotated.roots[1]?.id, 'current'],
    [old, 'previous'],
  ]);
  expect(activated.server_certificate).toMatchObject({
    root_id: rotated.roots[1]?.id,
    names: ['packages.local'],
  });

  await client.authority.retire(old);
  expect((await client.authority.get()).roots).toHaveLength(1);
  await expect(client.authority.retire(old)).rejects.toMatchObject({ code: 'authority-root-not-found' });
  expect(JSON.stringify(await client.authority.get())).not.toContain('PRIVATE KEY');
});
