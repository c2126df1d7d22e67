/** `deleteall` and `updateall`, which the `cray ims` group has for every noun. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { runKiln } from '../../src/cli/testing/run-kiln.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let service: InProcessService;
let client: KilnClient;
beforeEach(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  client = createClient({ baseUrl: service.url });
  vi.stubEnv('KILN_SERVER', service.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service.close();
});

it('delete all, take all back, and delete all for good', async () => {
  for (const name of ['one', 'two']) {
    await client.images.create({ name });
  }
  const names = async () => (await client.images.list()).map(({ name }) => name);
  const dry = await runKiln(['images', 'deleteall', '--dry-run']);
  expect([dry.exitCode, dry.stderr]).toEqual([0, expect.stringMatching(/would delete:\n.* one\n.* two/)]);
  expect(await names()).toEqual(['one', 'two']);
  await runKiln(['images', 'deleteall', '--yes']);
  expect(await names()).toEqual([]);
  await runKiln(['deleted', 'images', 'updateall', '--operation', 'undelete']);
  expect((await names()).sort()).toEqual(['one', 'two']);
  await runKiln(['images', 'deleteall', '--yes']);
  await runKiln(['deleted', 'images', 'deleteall', '--yes']);
  expect(await client.deleted.images.list()).toEqual([]);
  const none = await runKiln(['images', 'deleteall', '--yes']);
  expect([none.exitCode, none.stderr]).toEqual([0, 'there is no image to delete\n']);
});

it('know no other operation than undelete', async () => {
  const { exitCode, stderr } = await runKiln(['deleted', 'images', 'updateall', '--operation', 'purge']);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('there is only undelete')]);
});
