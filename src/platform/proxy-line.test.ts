import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { proxyLine, takeProxyLine } from './proxy-line.ts';

let server: Server;
let accepted: Promise<Socket>;
let client: Socket;
beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
});
afterEach(() => {
  client.destroy();
  server.close();
});

test('the line is taken off, wherever packets end, and what follows it is left', async () => {
  const taken = accepted.then(takeProxyLine);
  const line = proxyLine(client);
  for (const part of [line.slice(0, 9), `${line.slice(9)}SSH-2.0-first\r\n`, 'second']) {
    client.write(part);
    await new Promise(setImmediate);
  }
  client.end();
  expect(await taken).toBe(`${client.remoteAddress}:${client.remotePort}`);
  expect(await text(await accepted)).toBe('SSH-2.0-first\r\nsecond');
});

test.each(['SSH-2.0-OpenSSH\r\n', 'PROXY UNKNOWN\r\n', 'x'.repeat(200)])(
  'a connection without one is refused: %j',
  async (start) => {
    const taken = accepted.then(takeProxyLine);
    client.write(start);
    await expect(taken).rejects.toThrow('does not say whose it is');
  },
);

test('a connection that ends at once is refused', async () => {
  const taken = accepted.then(takeProxyLine);
  client.end();
  await expect(taken).rejects.toThrow('ended before');
});
