/** Asks upstreams: bounded in time, with credentials that go nowhere else, and with errors that say what is wrong. */
import type { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryRecord, UpstreamSecrets } from '../../features/repositories/store.ts';

export interface UpstreamAnswer {
  /** `unchanged`: the entity tag is the one that was given. `missing`: there is nothing. */
  readonly kind: 'data' | 'unchanged' | 'missing';
  readonly data: Readable;
  readonly etag: string | undefined;
}

export interface Upstream {
  /** Throws `upstream-unreachable`. The data has to be read to its end or destroyed. */
  get(path: string, options?: { etag?: string | undefined }): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

export interface UpstreamOptions {
  /** PEM certificates of the platform. */
  readonly trusted: readonly string[];
  /** Silence after which an upstream counts as hanging, in milliseconds. */
  readonly silenceMs: number;
}

export function openUpstream(
  { name, upstream }: RepositoryRecord,
  secrets: UpstreamSecrets,
  { trusted, silenceMs }: UpstreamOptions,
): Upstream {
  if (upstream === null) {
    throw new KilnError('repository-invalid', `"${name}" has no upstream`);
  }
  const ca = [
    ...rootCertificates,
    ...trusted,
    ...(secrets.ca_certificates === null ? [] : [secrets.ca_certificates]),
  ];
  const dispatcher = new Agent({
    connect: { ca, timeout: silenceMs },
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
  });
  const authorization =
    upstream.user === null
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${upstream.user}:${secrets.password ?? ''}`).toString('base64')}`,
        };

  return {
    async get(path, { etag } = {}) {
      const url = `${upstream.url}/${path.split('/').map(encodeURIComponent).join('/')}`;
      const answer = await request(url, {
        dispatcher,
        headers: {
          'user-agent': 'kiln',
          'accept-encoding': 'identity',
          ...authorization,
          ...(etag === undefined ? {} : { 'if-none-match': etag }),
        },
      }).catch((cause: unknown) => {
        throw unreachable(url, whatWentWrong(cause, silenceMs), cause);
      });
      const tag = answer.headers['etag'];
      const kind = KINDS[answer.statusCode];
      if (kind === undefined) {
        await answer.body.dump();
        throw unreachable(url, refusal(answer.statusCode));
      }
      if (kind !== 'data') {
        await answer.body.dump();
      }
      return { kind, data: answer.body, etag: typeof tag === 'string' ? tag : undefined };
    },
    close: () => dispatcher.destroy(),
  };
}

const KINDS: Readonly<Record<number, UpstreamAnswer['kind']>> = {
  200: 'data',
  304: 'unchanged',
  404: 'missing',
  410: 'missing',
};

function refusal(status: number): string {
  if (status === 401 || status === 403) {
    return `it answers ${status}: it wants other credentials`;
  }
  return `it answers ${status}`;
}

function unreachable(url: string, what: string, cause?: unknown): KilnError {
  return new KilnError('upstream-unreachable', `${url}: ${what}`, { cause });
}

const TLS_PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** In words, what an error of the network means. */
export function whatWentWrong(cause: unknown, silenceMs: number): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code in TLS_PROBLEMS) {
    return TLS_PROBLEMS[code] ?? code;
  }
  if (/TIMEOUT|ETIMEDOUT/.test(code)) {
    return `it has not answered for ${silenceMs / 1000} s`;
  }
  if (code === 'ECONNREFUSED') {
    return 'it refuses connections';
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return 'its name cannot be resolved';
  }
  return cause instanceof Error ? cause.message : String(cause);
}
