/** A certificate authority for a test, and a TLS server that has its certificate. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Authority, createAuthority } from '../../src/packages/authority/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLog } from '../../src/platform/log.ts';
import { readSettings } from '../../src/platform/settings.ts';

/** In a folder of the test, which removes it. */
export async function testAuthority(folder: string, flags: Record<string, string> = {}): Promise<Authority> {
  return await createAuthority({
    folder,
    settings: readSettings({ flags }),
    clock: systemClock,
    log: silentLog,
  });
}

export interface TlsServer extends AsyncDisposable {
  readonly port: number;
}

/** Answers every request on a loopback port with `reached`, and has each certificate that the authority issues. */
export async function startTlsServer(authority: Authority): Promise<TlsServer> {
  const server = createServer(authority.serverCertificate(), (_request, response) =>
    response.end('reached\n'),
  );
  const unlisten = authority.onServerCertificate((certificate) => server.setSecureContext(certificate));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      unlisten();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
