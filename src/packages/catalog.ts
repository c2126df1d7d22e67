/**
 * Finds what a path of a repository means: in which revision, for a build always in the one that it saw first, and
 * in which blob. It knows all kinds of repositories and nothing of HTTP.
 */
import { KilnError } from '../contract/errors.ts';
import type { RepositoryRecord } from '../features/repositories/store.ts';
import { keyedLock } from '../platform/keyed-lock.ts';
import { type GroupDeps, mergeGroup } from './group/index.ts';
import type { Hosted } from './hosted/index.ts';
import { suiteOf } from './proxy/apt.ts';
import type { Current, Proxies } from './proxy/index.ts';
import type { Revision, StoredBlob } from './store/index.ts';

export interface CatalogDeps extends GroupDeps {
  readonly find: (name: string) => Promise<RepositoryRecord | undefined>;
  readonly hosted: Hosted;
  readonly proxies: Proxies;
}

export interface Found extends StoredBlob {
  /** What whoever asks has to know, for example that the upstream is away. */
  readonly notice?: string;
  /** Whether the path will never have another content. */
  readonly immutable: boolean;
}

export type Catalog = ReturnType<typeof createCatalog>;

/** Paths that name a revision; everything else belongs to one that was named before. */
const ROOTS = /^repodata\/repomd\.xml(?:\.asc|\.key)?$|\/(?:InRelease|Release|Release\.gpg)$/;
const REMEMBERED = 50_000;
/** Names that a digest is part of: what they mean does not depend on the revision. */
const BY_DIGEST = /\/by-hash\/|^repodata\/[0-9a-f]{32,}-/;

export function createCatalog(deps: CatalogDeps) {
  const { store, hosted, proxies } = deps;
  const locked = keyedLock();
  const known = new Map<string, StoredBlob>();

  /** What a path is in a revision never changes, so it is looked up once as long as there is room to remember it. */
  function remember(key: string, blob: StoredBlob): void {
    if (known.size >= REMEMBERED) {
      const [oldest = ''] = known.keys();
      known.delete(oldest);
    }
    known.set(key, blob);
  }

  async function current(
    record: RepositoryRecord,
    { suite, fresh }: { suite: string | undefined; fresh: boolean },
  ) {
    const latest = await store.revisions.latest(record.name);
    if (latest !== undefined && !fresh) {
      return { revision: latest };
    }
    if (record.kind === 'proxy') {
      return await proxies.current(record, suite);
    }
    if (record.kind === 'hosted') {
      return { revision: latest ?? (await hosted.publish(record)) };
    }
    return await locked(record.name, () => currentGroup(record));
  }

  async function currentGroup(record: RepositoryRecord): Promise<Current> {
    const notices: string[] = [];
    const members: Revision[] = [];
    for (const name of record.members) {
      const member = await deps.find(name);
      if (member !== undefined) {
        const { revision, notice }: Current =
          member.kind === 'hosted'
            ? { revision: await hosted.publish(member) }
            : await current(member, { suite: undefined, fresh: true });
        members.push(revision);
        notices.push(...(notice === undefined ? [] : [notice]));
      }
    }
    const revision = await mergeGroup(deps, record.name, members);
    return { revision, ...(notices.length === 0 ? {} : { notice: notices.join('; ') }) };
  }

  /** The revision that this reader sees. */
  async function revisionFor(
    record: RepositoryRecord,
    path: string,
    jobId: string | undefined,
  ): Promise<Current> {
    const isApt = record.kind === 'proxy' && record.format === 'apt';
    const latest = isApt ? await store.revisions.latest(record.name) : undefined;
    const suite = isApt ? (suiteOf(path) ?? knownSuite(latest, path)) : undefined;
    const pinKey = suite === undefined ? record.name : `${record.name} ${suite}`;
    if (jobId !== undefined) {
      const pinned = await store.pins.find(jobId, pinKey);
      const revision = pinned === undefined ? undefined : await store.revisions.find(record.name, pinned);
      if (revision !== undefined) {
        return { revision };
      }
      if (record.kind === 'hosted') {
        // What was uploaded before a build began is in it.
        await hosted.publish(record);
      }
    }
    const found = await current(record, { suite, fresh: ROOTS.test(path) });
    if (jobId === undefined) {
      return found;
    }
    await store.pins.pin(jobId, pinKey, found.revision.number);
    return found;
  }

  async function fileAt(
    record: RepositoryRecord,
    revision: Revision,
    path: string,
  ): Promise<StoredBlob | undefined> {
    if (record.kind === 'group') {
      for (const { name, revision: number } of revision.members) {
        const member = await deps.find(name);
        const of = member === undefined ? undefined : await store.revisions.find(name, number);
        const found = member === undefined || of === undefined ? undefined : await fileAt(member, of, path);
        if (found !== undefined) {
          return found;
        }
      }
      return undefined;
    }
    // Packages of an apt upstream are listed in several suites, which come and go apart from one another.
    const number =
      record.format === 'apt' && !path.startsWith('dists/') ? Number.MAX_SAFE_INTEGER : revision.number;
    const file = await store.files.at(record.name, number, path);
    if (file === undefined) {
      return undefined;
    }
    if (file.sha256 !== null && (record.kind === 'hosted' || (await store.blobs.has(file.sha256)))) {
      return { sha256: file.sha256, size: file.size };
    }
    return { sha256: await proxies.fetch(record, file, path), size: file.size };
  }

  return {
    /**
     * What is at a path. Throws `repository-not-found`, `repository-package-not-found`, `upstream-unreachable` or
     * `upstream-invalid`.
     */
    async locate(name: string, path: string, jobId: string | undefined): Promise<Found> {
      const record = await deps.find(name);
      if (record === undefined) {
        throw new KilnError('repository-not-found', `there is no repository "${name}"`);
      }
      const { revision, notice } = await revisionFor(record, path, jobId);
      const said = notice === undefined ? {} : { notice };
      const key = `${name} ${record.created} ${revision.number} ${path}`;
      const before = known.get(key);
      if (before !== undefined) {
        return { ...before, ...said, immutable: BY_DIGEST.test(path) };
      }
      const metadata = revision.metadata[path];
      if (metadata !== undefined) {
        return { ...metadata, ...said, immutable: BY_DIGEST.test(path) };
      }
      const file = await fileAt(record, revision, path);
      if (file !== undefined) {
        remember(key, file);
        return { ...file, ...said, immutable: BY_DIGEST.test(path) };
      }
      const older = BY_DIGEST.test(path) ? await store.revisions.metadataAt(name, path) : undefined;
      if (older !== undefined) {
        return { ...older, immutable: true };
      }
      throw new KilnError('repository-package-not-found', `"${name}" has nothing at ${path}`);
    },

    /** Brings the repository up to date now. Throws what its upstream or its tools throw. */
    async publish(record: RepositoryRecord): Promise<void> {
      if (record.kind === 'proxy') {
        await proxies.refresh(record);
        return;
      }
      await (record.kind === 'hosted'
        ? hosted.publish(record)
        : current(record, { suite: undefined, fresh: true }));
    },
  };
}

/** The suite of an apt upstream that a path is below. */
function knownSuite(latest: Revision | undefined, path: string): string | undefined {
  const suites = Object.keys(latest?.metadata ?? {}).flatMap((known) => suiteOf(known) ?? []);
  return suites.find((suite) => path.startsWith(`${suite}/`));
}
