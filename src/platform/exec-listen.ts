/** A listening socket in another network namespace, in the hands of this process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Server } from 'node:net';
import { defaultEnvironment, nodeProgram } from './exec.ts';

/** A socket belongs to the namespace in which it was made, whoever accepts its connections. */
const LISTEN = `
const [address, port] = process.argv.slice(1);
const server = require('node:net').createServer();
server.on('error', (error) => { console.error(error.message); process.exit(1); });
process.on('disconnect', () => process.exit(0));
server.listen({ host: address, port: Number(port) }, () => process.send('listening', server));
`;

/**
 * Listens where the given words take a command, for example `nsenter --net=FILE`. Throws when that cannot be done; the
 * caller closes the server.
 */
export async function listenThrough(
  prefix: readonly string[],
  { address, port }: { address: string; port: number },
): Promise<Server> {
  const [program, ...args] = prefix;
  if (program === undefined) {
    throw new TypeError('a command has at least one word');
  }
  const child = spawn(program, [...args, nodeProgram(), '-e', LISTEN, address, String(port)], {
    env: defaultEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const server = new Promise<Server>((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (_message, handle) =>
      handle instanceof Server ? resolve(handle) : reject(new Error('no socket came')),
    );
    child.once('close', (code) =>
      reject(new Error(`no listener at ${address}:${port}: code ${code}: ${said.trim()}`)),
    );
  });
  const ended = once(child, 'exit');
  const handle = await server;
  child.disconnect();
  await ended;
  return handle;
}
