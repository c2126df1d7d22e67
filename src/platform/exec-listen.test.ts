import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { expect, it } from 'vitest';
import { listenThrough } from './exec-listen.ts';

it('gives a socket that another process has opened', async () => {
  const server = await listenThrough(['env'], { address: '127.0.0.1', port: 0 });
  try {
    server.on('connection', (socket) => socket.end('hello'));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [data] = await once(client, 'data');
    expect(String(data)).toBe('hello');
  } finally {
    server.close();
  }
});

it('says why there is none', async () => {
  await expect(listenThrough(['env'], { address: '192.0.2.1', port: 1 })).rejects.toThrow(/EADDRNOTAVAIL/);
  await expect(listenThrough(['false'], { address: '127.0.0.1', port: 0 })).rejects.toThrow(/code 1/);
});
