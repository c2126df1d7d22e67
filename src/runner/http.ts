/**
 * How a runner reaches the service and the object store. On the service's machine that is the network; on a build node it is a
 * Unix socket, the only way there is.
 */
import { rootCertificates } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { JobDocument } from '../contract/runner.ts';
import { JOB_HEADER } from '../contract/runner-door.ts';

const CONNECT_MS = 10_000;

export interface RunnerHttp {
  /** What a request to this address is sent with. */
  to(url: URL | string): { readonly dispatcher: Dispatcher; readonly headers: Record<string, string> };
  close(): Promise<void>;
}

type Reached = Pick<JobDocument, 'job_id' | 'api' | 'trusted_certificates' | 'store_certificates'>;

/** Trusts what Node.js does, the platform and the store. The service alone is told the token of the job. */
export function createRunnerHttp({ job_id, api, ...trust }: Reached): RunnerHttp {
  const ours = [...trust.trusted_certificates, ...trust.store_certificates];
  const ca = ours.length === 0 ? {} : { ca: [...rootCertificates, ...ours] };
  const socket = api.socket === null ? {} : { socketPath: api.socket };
  const service = new Agent({ connect: { timeout: CONNECT_MS, ...ca, ...socket } });
  const others = new Agent({ connect: { timeout: CONNECT_MS, ...ca } });
  const { origin } = new URL(api.url);
  return {
    to: (url) =>
      new URL(url).origin === origin
        ? { dispatcher: service, headers: { authorization: `Bearer ${api.token}`, [JOB_HEADER]: job_id } }
        : { dispatcher: others, headers: {} },
    async close() {
      await Promise.all([service.destroy(), others.destroy()]);
    },
  };
}
