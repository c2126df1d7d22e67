/** Finds a port of a range to listen on. */
import type { Server } from 'node:net';

/** Gives the first free port of the range; undefined when all are in use. Throws what else keeps it from listening. */
export async function listenWithin(
  server: Server,
  host: string,
  range: { readonly first: number; readonly last: number },
): Promise<number | undefined> {
  for (let port = range.first; port <= range.last; port += 1) {
    const problem = await tryToListen(server, host, port);
    if (problem === undefined) {
      return port;
    }
    if (problem.code !== 'EADDRINUSE') {
      throw problem;
    }
  }
  return undefined;
}

function tryToListen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen({ host, port }, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
  });
}
