/** Remote build nodes by name: what `kiln remote-build-nodes` and the reference's wire say of them. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { runKiln } from '../../src/cli/testing/run-kiln.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

let service: InProcessService;
beforeEach(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  vi.stubEnv('KILN_SERVER', service.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service.close();
});

it.each(['nodes', 'remote-build-nodes'])('kiln %s registers, shows and forgets them', async (noun) => {
  const run = async (...words: string[]) => {
    const { stdout, exitCode } = await runKiln([noun, ...words, '--format', 'json']);
    expect(exitCode).toBe(0);
    return stdout === '' ? undefined : JSON.parse(stdout);
  };
  const first = {
    xname: 'x3000c0s17b1n0',
    address: 'x3000c0s17b1n0',
    user: 'root',
    port: 22,
    fingerprint: null,
  };
  expect(await run('create', '--xname', 'x3000c0s17b1n0')).toMatchObject(first);
  expect(await run('add', 'x 2/b')).toMatchObject({ xname: 'x 2/b', address: null });
  const more = ['--address', '10.1.2.3', '--user', 'builder', '--label', 'pool=arm', '--jobs', '3'];
  const changed = { address: '10.1.2.3', user: 'builder', labels: { pool: 'arm' }, capacity: { jobs: 3 } };
  expect(await run('add', 'x 2/b', ...more)).toMatchObject(changed);
  expect(await run('list')).toMatchObject([first, { xname: 'x 2/b', ...changed }]);
  await run('drain', 'x 2/b');
  expect(await run('describe', 'x 2/b')).toMatchObject({ ...changed, drained: true });
  expect(await run('status', 'x3000c0s17b1n0')).toMatchObject({ xname: 'x3000c0s17b1n0', able: false });
  expect(await run('status', 'describe', 'x 2/b')).toMatchObject({ xname: 'x 2/b', able: false });
  expect(await run('status', 'list')).toHaveLength(2);
  const wire = await fetch(`${service.url}/v3/remote-build-nodes`);
  expect(await wire.json()).toEqual([{ xname: 'x3000c0s17b1n0' }, { xname: 'x 2/b' }]);
  await run('remove', 'x3000c0s17b1n0', 'x 2/b', '--yes');
  expect(await run('list')).toEqual([]);
});

it('one that nobody registered is not there', async () => {
  const { stderr, exitCode } = await runKiln(['nodes', 'status', 'x1']);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('There is no such build node')]);
});
