/**
 * The network of a workspace: a namespace of its own with a user-mode stack (slirp4netns). Connections go out as
 * the host's own would, but none reaches the host's loopback, where Kiln's API listens.
 */
import { writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { type BackgroundCommand, mustRun, runCommand, startCommand } from '../platform/exec.ts';
import { listenThrough } from '../platform/exec-listen.ts';
import { waitFor } from '../platform/wait.ts';
import { unmount } from './mounts.ts';
import type { InnerService } from './sandbox.ts';

/** Where slirp4netns answers name lookups, inside the namespace. */
export const NAME_SERVER = '10.0.2.3';

export interface OutboundNetwork {
  /** File that the namespace is bound to. */
  readonly namespace: string;
  close(): Promise<void>;
}

export async function openOutboundNetwork(
  namespace: string,
  services: readonly InnerService[] = [],
): Promise<OutboundNetwork> {
  await writeFile(namespace, '');
  await mustRun(['unshare', `--net=${namespace}`, 'true']);
  let slirp: BackgroundCommand | undefined;
  const servers: Server[] = [];
  try {
    slirp = await startCommand([
      // It must not outlive a killed runner or test.
      'setpriv',
      '--pdeathsig',
      'KILL',
      // Its own sandbox detaches the mounts that it sees, and those of shared folders, like /run/netns, would go for all.
      ...['unshare', '--mount', '--propagation', 'private', '--'],
      'slirp4netns',
      '--netns-type=path',
      '--configure',
      '--disable-host-loopback',
      '--enable-sandbox',
      '--enable-seccomp',
      '--mtu=65520',
      namespace,
      'tap0',
    ]);
    await routeOf(namespace);
    for (const service of services) {
      const server = await listenThrough(['nsenter', `--net=${namespace}`], service);
      server.on('connection', service.onConnection);
      servers.push(server);
    }
  } catch (error) {
    closeAll(servers);
    await slirp?.stop();
    await unmount(namespace);
    throw error;
  }
  const running = slirp;
  return {
    namespace,
    async close() {
      closeAll(servers);
      await running.stop();
      await unmount(namespace);
    },
  };
}

/** Connections that go on are their owners' business. */
function closeAll(servers: readonly Server[]): void {
  for (const server of servers) {
    server.close();
  }
}

/** Waits until the namespace has its default route, which slirp4netns sets last. */
async function routeOf(namespace: string): Promise<void> {
  let routes = '';
  await waitFor(
    async () => {
      routes = (await runCommand(['nsenter', `--net=${namespace}`, 'cat', '/proc/net/route'])).stdout;
      return /^tap0\t00000000\t/m.test(routes) ? true : undefined;
    },
    {
      timeoutMs: 10_000,
      intervalMs: 20,
      describe: () => `slirp4netns to set a route; there are:\n${routes}`,
    },
  );
}
