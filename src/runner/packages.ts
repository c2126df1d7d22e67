/**
 * How a build reaches packages under the platform's own name: either the name is that of a server of the site, or the
 * runner listens inside the network of the build and hands every connection on to the service.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { WorkspaceOptions } from '../builder/sandbox.ts';
import { ATTEMPT_HEADER, PACKAGES_PROTOCOL, packagesTunnelPath } from '../contract/packages-tunnel.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { Log } from '../platform/log.ts';

/** An address of the loopback that a build has for itself. */
const INNER_ADDRESS = '127.0.0.2';
const HTTPS_PORT = 443;

/** What the workspace of a job has to offer its builds. */
export function packageAccess(
  document: Pick<JobDocument, 'packages' | 'api' | 'attempt' | 'job_id'>,
  log: Log,
): Pick<WorkspaceOptions, 'hosts' | 'services'> {
  const { packages } = document;
  if (packages === null) {
    return {};
  }
  const hosts = packageHosts({ packages });
  if (packages.address !== null) {
    return { hosts };
  }
  const onConnection = (socket: Socket) => handOn(socket, document, log);
  return { hosts, services: [{ address: INNER_ADDRESS, port: HTTPS_PORT, onConnection }] };
}

/** Names of the package server, with the address that they have for builds. */
export function packageHosts({ packages }: Pick<JobDocument, 'packages'>): Record<string, string> {
  const address = packages?.address ?? INNER_ADDRESS;
  return Object.fromEntries((packages?.names ?? []).map((name) => [name, address]));
}

function handOn(
  socket: Socket,
  { api, attempt, job_id }: Pick<JobDocument, 'api' | 'attempt' | 'job_id'>,
  log: Log,
): void {
  socket.on('error', () => {
    // The build has gone away; the pipeline ends the other side.
  });
  const url = new URL(packagesTunnelPath(job_id), api.url);
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    agent: false,
    ...(api.socket === null ? {} : { socketPath: api.socket }),
    headers: {
      connection: 'Upgrade',
      upgrade: PACKAGES_PROTOCOL,
      authorization: `Bearer ${api.token}`,
      [ATTEMPT_HEADER]: String(attempt),
    },
  });
  const giveUp = (what: string) => {
    log.warn({ what }, 'the service gives no connection for packages');
    socket.destroy();
  };
  request.once('error', (error) => giveUp(error.message));
  request.once('response', (response) => giveUp(`it answers ${response.statusCode}`));
  request.once('upgrade', (_response, upstream, head) => {
    if (head.length > 0) {
      upstream.unshift(head);
    }
    const ended = () => {
      // Whoever ended it knows why: a broken connection is tried again by the package manager.
    };
    pipeline(socket, upstream, ended);
    pipeline(upstream, socket, ended);
  });
  request.end();
}
