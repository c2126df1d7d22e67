/**
 * Proxies: what an upstream has, in revisions that were verified whole, and packages that are fetched when they are
 * first asked for. While the upstream is away, what it said last is served, with a notice that says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryRecord, UpstreamSecrets } from '../../features/repositories/store.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import { keyedLock } from '../../platform/keyed-lock.ts';
import type { Log } from '../../platform/log.ts';
import type { PackageStore, Revision, ServedFile } from '../store/index.ts';
import { listsPackages, packagesOfList, refreshSuite } from './apt.ts';
import { textOf } from './decompress.ts';
import { fetchVerified } from './fetch.ts';
import { refreshRpm } from './rpm.ts';
import { openUpstream, type Upstream } from './upstream.ts';

export interface ProxyDeps {
  readonly store: PackageStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly secretsOf: (name: string) => Promise<UpstreamSecrets>;
  /** PEM certificates of the platform, asked each time. */
  readonly trusted: () => readonly string[];
  readonly silenceMs: number;
}

/** A revision to serve, and what is to be said about it. */
export interface Current {
  readonly revision: Revision;
  /** Why it may be older than what the upstream has. */
  readonly notice?: string;
}

/** An upstream in the middle of an update is asked again after these pauses. */
const PAUSES_MS = [1_000, 3_000];
/** An upstream that is away is not asked for this long. */
const AWAY_MS = 30_000;

export type Proxies = ReturnType<typeof createProxies>;

export function createProxies(deps: ProxyDeps) {
  const { store, clock, log } = deps;
  const locked = keyedLock();
  const upstreams = new Map<string, { settings: string; upstream: Upstream }>();
  /** Until when a root of metadata is not asked for, and what is to be said meanwhile. */
  const known = new Map<string, { until: number; notice?: string }>();

  async function upstreamOf(record: RepositoryRecord): Promise<Upstream> {
    const secrets = await deps.secretsOf(record.name);
    const trusted = deps.trusted();
    const settings = JSON.stringify([record.upstream, secrets, trusted]);
    const before = upstreams.get(record.name);
    if (before?.settings === settings) {
      return before.upstream;
    }
    const upstream = openUpstream(record, secrets, { trusted, silenceMs: deps.silenceMs });
    upstreams.set(record.name, { settings, upstream });
    // Requests that go on over the old one fail and are told so; the next ones use the new settings.
    await before?.upstream.close();
    return upstream;
  }

  /** One question to the upstream, repeated while it is in the middle of an update. */
  async function ask(record: RepositoryRecord, suite: string | undefined): Promise<void> {
    const upstream = await upstreamOf(record);
    const { validators } = await store.upstreams.find(record.name);
    const refresh = { store, upstream, now: () => timestamp(clock.now()) };
    for (let attempt = 0; ; attempt += 1) {
      try {
        const fresh = await (suite === undefined
          ? refreshRpm(refresh, record, validators)
          : refreshSuite(refresh, record, suite, validators));
        const checked = timestamp(clock.now());
        await store.upstreams.put(record.name, {
          checked,
          problem: null,
          validators: fresh?.validators ?? validators,
        });
        if (fresh !== undefined) {
          const { number, packages } = fresh.revision;
          log.info({ repository: record.name, revision: number, packages }, 'upstream has changed');
        }
        return;
      } catch (error) {
        const pause = PAUSES_MS[attempt];
        if (!(error instanceof KilnError && error.code === 'upstream-invalid') || pause === undefined) {
          throw error;
        }
        log.info({ repository: record.name, detail: error.message }, 'upstream is asked again');
        await sleep(pause);
      }
    }
  }

  async function latestWith(
    record: RepositoryRecord,
    suite: string | undefined,
  ): Promise<Revision | undefined> {
    const latest = await store.revisions.latest(record.name);
    const has =
      suite === undefined || Object.keys(latest?.metadata ?? {}).some((path) => path.startsWith(`${suite}/`));
    return has ? latest : undefined;
  }

  async function refreshed(record: RepositoryRecord, suite: string | undefined): Promise<Current> {
    const root = `${record.name} ${suite ?? ''}`;
    const now = () => clock.now().getTime();
    const state = known.get(root);
    const kept = await latestWith(record, suite);
    if (kept !== undefined && state !== undefined && now() < state.until) {
      return { revision: kept, ...(state.notice === undefined ? {} : { notice: state.notice }) };
    }
    try {
      await ask(record, suite);
      known.set(root, { until: now() + (record.upstream?.refresh_seconds ?? 0) * 1000 });
    } catch (error) {
      if (!(error instanceof KilnError)) {
        throw error;
      }
      const before = await store.upstreams.find(record.name);
      await store.upstreams.put(record.name, { ...before, problem: error.message });
      if (kept === undefined) {
        throw error;
      }
      const notice = `the upstream of "${record.name}" cannot be asked (${error.message}); served is what it said on ${kept.created}`;
      log.warn({ repository: record.name, detail: error.message }, 'upstream cannot be asked');
      known.set(root, { until: now() + AWAY_MS, notice });
      return { revision: kept, notice };
    }
    const latest = await latestWith(record, suite);
    if (latest === undefined) {
      throw new KilnError(
        'upstream-unreachable',
        `"${record.name}": the upstream says that nothing has changed`,
      );
    }
    return { revision: latest };
  }

  async function fetch(record: RepositoryRecord, file: ServedFile, path: string): Promise<string> {
    const [type, digest = ''] = file.checksum.split(':');
    const here = type === 'sha256' && (await store.blobs.has(digest));
    const { checksum, size } = file;
    const { sha256 } = here
      ? { sha256: digest }
      : await fetchVerified(await upstreamOf(record), store.blobs, { path, checksum, size });
    if (record.format === 'apt' && listsPackages(path)) {
      const latest = await store.revisions.latest(record.name);
      const packages = packagesOfList(textOf(path, store.blobs.path(sha256)));
      await store.revisions.learn(record.name, latest?.number ?? 1, packages);
    }
    await store.files.fetched(file.id, sha256);
    return sha256;
  }

  return {
    /** The revision to serve, after a look at the upstream when it is time for one. `suite` is for apt. */
    current: (record: RepositoryRecord, suite?: string): Promise<Current> =>
      locked(`ask ${record.name}`, () => refreshed(record, suite)),

    /** Asks the upstream now. Throws `upstream-unreachable` or `upstream-invalid`. */
    async refresh(record: RepositoryRecord): Promise<void> {
      const latest = await store.revisions.latest(record.name);
      const suites =
        record.format === 'rpm'
          ? [undefined]
          : [...new Set(Object.keys(latest?.metadata ?? {}).map((path) => path.replace(/\/[^/]+$/, '')))];
      for (const suite of suites) {
        await locked(`ask ${record.name}`, () => ask(record, suite));
      }
    },

    /** The blob of a file that is fetched now; asked twice, it is fetched once. */
    fetch: (record: RepositoryRecord, file: ServedFile, path: string): Promise<string> =>
      locked(`fetch ${record.name} ${file.checksum}`, () => fetch(record, file, path)),

    async forget(name: string): Promise<void> {
      await upstreams.get(name)?.upstream.close();
      upstreams.delete(name);
      for (const root of [...known.keys()].filter((key) => key.startsWith(`${name} `))) {
        known.delete(root);
      }
    },

    async close(): Promise<void> {
      await Promise.all([...upstreams.values()].map(({ upstream }) => upstream.close()));
    },
  };
}
