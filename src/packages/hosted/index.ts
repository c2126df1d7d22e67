/**
 * Hosted repositories: uploads are durable when they are answered, and a revision with them follows by itself, one for
 * all that came in meanwhile.
 */
import type { Readable } from 'node:stream';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryPackage } from '../../contract/repositories.ts';
import type { RepositoryRecord } from '../../features/repositories/store.ts';
import { keyedLock } from '../../platform/keyed-lock.ts';
import type { Log } from '../../platform/log.ts';
import type { Revision } from '../store/index.ts';
import { checkPackageFile } from './package-file.ts';
import { type PublishDeps, publishHosted } from './publish.ts';

export interface HostedDeps extends PublishDeps {
  readonly log: Log;
  /** How long a revision waits for more uploads to come. */
  readonly quietMs: number;
}

const PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9_.+~^%:@=/-]*\.(rpm|deb)$/;
const RESERVED = /^(?:repodata|dists)\//;

export type Hosted = ReturnType<typeof createHosted>;

export function createHosted(deps: HostedDeps) {
  const { store, log } = deps;
  const locked = keyedLock();
  const timers = new Map<string, NodeJS.Timeout>();
  const going = new Set<Promise<unknown>>();

  const publish = (record: RepositoryRecord): Promise<Revision> => {
    clearTimeout(timers.get(record.name));
    timers.delete(record.name);
    const work = locked(record.name, () => publishHosted(deps, record));
    going.add(work);
    void work.catch(() => {}).finally(() => going.delete(work));
    return work;
  };
  const publishSoon = (record: RepositoryRecord): void => {
    clearTimeout(timers.get(record.name));
    const later = () => {
      publish(record).then(
        ({ number, packages }) =>
          log.info({ repository: record.name, revision: number, packages }, 'published'),
        (error: unknown) => log.error({ err: error, repository: record.name }, 'repository is not published'),
      );
    };
    timers.set(record.name, setTimeout(later, deps.quietMs).unref());
  };

  return {
    publish,
    publishSoon,

    /** Throws `package-invalid`, `checksum-mismatch`, `host-disk-full`. */
    async upload(
      record: RepositoryRecord,
      path: string,
      data: Readable,
      expected: { sha256?: string | undefined },
    ): Promise<RepositoryPackage> {
      checkPath(record, path);
      const incoming = await store.blobs.receive(data);
      try {
        if (expected.sha256 !== undefined && expected.sha256 !== incoming.sha256) {
          const detail = `${path} has the SHA-256 ${incoming.sha256}, and ${expected.sha256} was announced`;
          throw new KilnError('checksum-mismatch', detail);
        }
        await checkPackageFile(record.format, incoming.path, path);
      } catch (error) {
        await incoming.discard();
        throw error;
      }
      const { sha256, size } = await incoming.keep();
      await store.files.addPending({ repository: record.name, path, size, sha256 });
      publishSoon(record);
      return { path, size_bytes: size, checksum: `sha256:${sha256}`, stored: true, state: 'pending' };
    },

    async remove(record: RepositoryRecord, path: string): Promise<boolean> {
      const found = await store.files.leave(record.name, path);
      if (found) {
        publishSoon(record);
      }
      return found;
    },

    /** Waits for what is being published; what is not begun stays pending for the next start. */
    async close(): Promise<void> {
      for (const timer of timers.values()) {
        clearTimeout(timer);
      }
      await Promise.allSettled([...going]);
    },
  };
}

function checkPath({ name, format }: RepositoryRecord, path: string): void {
  const ending = format === 'rpm' ? 'rpm' : 'deb';
  if (PATH.exec(path)?.[1] !== ending || path.includes('//') || RESERVED.test(path)) {
    const detail = `"${path}" is no path for a package of "${name}": it ends in .${ending} and is not in repodata or dists`;
    throw new KilnError('package-invalid', detail);
  }
}
