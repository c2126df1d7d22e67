/**
 * Connections of builds to the package server: a runner asks for one with the token of its job, so the server knows
 * whose build it is, and a build needs no way to the server but that of its runner to the API.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { KilnError } from '../contract/errors.ts';
import { ATTEMPT_HEADER, PACKAGES_PROTOCOL, tunnelledJob } from '../contract/packages-tunnel.ts';
import type { Log } from '../platform/log.ts';
import type { JobRecords } from '../ports/records.ts';
import { findForRunner } from './runner-access.ts';

export interface TunnelDeps {
  readonly records: JobRecords;
  readonly log: Log;
  /** Serves packages over the connection; it owns it from now on. */
  readonly accept: (socket: Duplex, jobId: string) => void;
}

/** Handles the event `upgrade` of an HTTP server. */
export function createPackagesTunnel({ records, log, accept }: TunnelDeps) {
  return async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', (error) => log.debug({ err: error }, 'a connection for packages broke off'));
    try {
      const jobId = await jobOf(records, request);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${PACKAGES_PROTOCOL}\r\n\r\n`,
      );
      if (head.length > 0) {
        socket.unshift(head);
      }
      accept(socket, jobId);
    } catch (error) {
      const known = error instanceof KilnError ? error : undefined;
      log.warn({ err: error, url: request.url }, 'a connection for packages was refused');
      socket.end(`HTTP/1.1 ${known?.entry.status ?? 500} Refused\r\nConnection: close\r\n\r\n`);
    }
  };
}

/** Throws `not-found`, `unauthorized`, `job-not-found`, `job-fenced`. */
async function jobOf(records: JobRecords, { url, headers }: IncomingMessage): Promise<string> {
  const jobId = tunnelledJob(url ?? '');
  if (jobId === undefined || headers.upgrade !== PACKAGES_PROTOCOL) {
    throw new KilnError('not-found', `there is nothing to upgrade at ${url}`);
  }
  const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  await findForRunner(records, jobId, token, Number(headers[ATTEMPT_HEADER]));
  return jobId;
}
