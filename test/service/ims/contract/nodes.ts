/** Remote build nodes: section 1.8 of the contract, and the rows of section 8 about them. */
import { expect, test } from 'vitest';
import { fieldsOf, type WireClient } from './client.ts';

export function nodeContract(client: () => WireClient): void {
  const url = '/v3/remote-build-nodes';

  test('POST, GET one and all, DELETE one and all', async () => {
    expect((await client().post(url, { xname: 'x1' })).json).toEqual({ xname: 'x1' });
    expect((await client().post(url, { xname: 'x1' })).status).toBe(201);
    expect((await client().post(url, { xname: 'a b/c' })).status).toBe(201);
    expect(await client().list(url)).toEqual([{ xname: 'x1' }, { xname: 'a b/c' }]);
    expect((await client().get(`${url}/x1`)).json).toEqual({ xname: 'x1' });
    expect((await client().get(`${url}/${encodeURIComponent('a b/c')}`)).json).toEqual({ xname: 'a b/c' });
    expect((await client().delete(`${url}/x1`)).status).toBe(204);
    expect((await client().delete(`${url}/x1`)).status).toBe(404);
    expect((await client().get(`${url}/x1`)).status).toBe(404);
    expect((await client().delete(url)).status).toBe(204);
    expect(await client().list(url)).toEqual([]);
    expect((await client().delete(url)).status).toBe(204);
  });

  test('what cannot be a node is refused', async () => {
    expect((await client().post(url, {})).status).toBe(400);
    for (const [body, field] of [
      [{ xname: 1 }, 'xname'],
      [{ xname: '' }, 'xname'],
      [{ name: 'x', xname: 'x' }, 'name'],
    ] as const) {
      const answer = await client().post(url, body);
      expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
    }
  });

  test('the status of a node that was never reached is a 200 with its name', async () => {
    await client().post(url, { xname: 'x1' });
    const status = {
      xname: 'x1',
      sshStatus: 'Unknown',
      podmanStatus: 'Unknown',
      nodeArch: 'Unknown',
      numCurrentJobs: -1,
      ableToRunJobs: false,
    };
    expect((await client().get(`${url}/status`)).json).toEqual([status]);
    expect((await client().get(`${url}/status/x1`)).json).toEqual(status);
    expect((await client().get(`${url}/status/x2`)).status).toBe(404);
  });

  test('a node called status is hidden by the address of the statuses', async () => {
    expect((await client().post(url, { xname: 'status' })).status).toBe(201);
    expect((await client().get(`${url}/status`)).json).toMatchObject([
      { xname: 'status', nodeArch: 'Unknown' },
    ]);
    expect((await client().delete(`${url}/status`)).status).toBe(405);
  });

  test('nodes are under v3 alone', async () => {
    for (const base of ['', '/v2']) {
      for (const path of ['', '/x1', '/status', '/status/x1']) {
        expect((await client().get(`${base}/remote-build-nodes${path}`)).status).toBe(404);
      }
    }
  });
}
