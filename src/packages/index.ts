/**
 * Package repositories that this service serves itself: opens their store, puts the kinds of repositories together,
 * and gives the API and the server what they need.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import type {
  RepositoryContents,
  RepositoryRecord,
  RepositoryStore,
} from '../features/repositories/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import { createCatalog } from './catalog.ts';
import { createDescriber } from './hosted/describe.ts';
import { createHosted } from './hosted/index.ts';
import { createProxies } from './proxy/index.ts';
import { createPackageServer, type PackageServer, type ServerCertificate } from './server/index.ts';
import { openSigner } from './signer.ts';
import { openPackageStore } from './store/index.ts';

export { describePackages } from './hosted/describe-process.ts';

export interface PackagesOptions {
  /** Folder of index, packages and keys. */
  readonly folder: string;
  readonly repositories: RepositoryStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** How Kiln itself is started: the words before a command. */
  readonly entry: readonly string[];
  readonly builderRoot: () => Promise<{ readonly path: string }>;
  /** PEM certificates that upstreams are verified with. */
  readonly trusted: () => readonly string[];
  readonly certificate: ServerCertificate;
  /** Silence after which an upstream counts as hanging, in seconds. */
  readonly silenceSeconds: number;
  /** How long a revision waits for more uploads to come. */
  readonly quietMs: number;
  /** User for uploads over HTTPS; the password is in a file. */
  readonly uploadUser: string;
  readonly uploadPasswordFile: string;
  /** Whether a job can still ask for packages. */
  readonly isLive: (jobId: string) => Promise<boolean>;
}

export interface Packages {
  readonly contents: RepositoryContents;
  readonly server: PackageServer;
  /** Armored key that signs the metadata of hosted repositories and groups. */
  readonly publicKey: string;
  /** Goes on with what an earlier process left pending, and removes what nobody needs. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

const MAINTENANCE_MS = 60 * 60 * 1000;

export async function openPackages(options: PackagesOptions): Promise<Packages> {
  const { folder, clock, log, repositories } = options;
  const store = await openPackageStore(folder);
  const tasks = join(folder, 'tasks');
  await rm(tasks, { recursive: true, force: true });
  const signer = await openSigner(join(folder, 'signing.key'));
  const describer = createDescriber({
    folder: tasks,
    entry: options.entry,
    builderRoot: options.builderRoot,
  });
  const hosted = createHosted({ store, describer, signer, clock, log, quietMs: options.quietMs });
  const proxies = createProxies({
    store,
    clock,
    log,
    secretsOf: (name) => repositories.secrets(name),
    trusted: options.trusted,
    silenceMs: options.silenceSeconds * 1000,
  });
  const find = (name: string) => repositories.find(name);
  const catalog = createCatalog({ store, signer, clock, find, hosted, proxies });

  const contents: RepositoryContents = {
    async status(record) {
      const latest = await store.revisions.latest(record.name);
      const upstream = record.kind === 'proxy' ? await store.upstreams.find(record.name) : undefined;
      return {
        revision: latest?.number ?? 0,
        published: latest?.created ?? null,
        packages: latest?.packages ?? 0,
        pending: record.kind === 'hosted' ? (await store.files.pending(record.name)).length : 0,
        problems: await store.files.problems(record.name),
        checked: upstream?.checked ?? null,
        upstream_problem: upstream?.problem ?? null,
      };
    },
    async packages(record, query) {
      const files = await store.files.page(record.name, query);
      return files.map(({ path, size, checksum, sha256, added }) => ({
        path,
        size_bytes: size,
        checksum,
        stored: sha256 !== null,
        state: added === null ? 'pending' : 'published',
      }));
    },
    upload: (record, path, data, expected) => hosted.upload(mustBeHosted(record), path, data, expected),
    remove: (record, path) => hosted.remove(mustBeHosted(record), path),
    async publish(record) {
      await catalog.publish(record);
      return await contents.status(record);
    },
    async drop(name) {
      await proxies.forget(name);
      await store.revisions.drop(name);
    },
  };
  const server = createPackageServer(
    { catalog, blobs: store.blobs, contents, find, log, mayWrite: await writersOf(options) },
    options.certificate,
  );

  async function maintain(): Promise<void> {
    for (const jobId of await store.pins.jobs()) {
      if (!(await options.isLive(jobId))) {
        await store.pins.release(jobId);
      }
    }
    const records = await repositories.list();
    const names = new Set(records.map(({ name }) => name));
    for (const name of await store.revisions.repositories()) {
      if (!names.has(name)) {
        await store.revisions.drop(name);
      }
    }
    const unpublished = new Set(await store.files.unpublished());
    for (const record of records.filter(({ name }) => unpublished.has(name))) {
      hosted.publishSoon(record);
    }
    await store.revisions.prune(clock.now());
    const used = await store.revisions.usedBlobs();
    const removed = await store.blobs.sweep((sha256) => used.has(sha256), clock.now());
    log.debug({ removed }, 'packages are tidied up');
  }
  const timer = setInterval(() => {
    maintain().catch((error: unknown) => log.error({ err: error }, 'packages cannot be tidied up'));
  }, MAINTENANCE_MS).unref();

  return {
    contents,
    server,
    publicKey: signer.publicKey,
    maintain,
    async close() {
      clearInterval(timer);
      await server.close();
      await hosted.close();
      await proxies.close();
      await store.close();
    },
  };
}

function mustBeHosted(record: RepositoryRecord): RepositoryRecord {
  if (record.kind !== 'hosted') {
    throw new KilnError('repository-not-hosted', `"${record.name}" is a ${record.kind}`);
  }
  return record;
}

/** Who may write over HTTPS: one user, whose password is made at the first start unless a file of it is given. */
async function writersOf(options: PackagesOptions): Promise<(authorization: string | undefined) => boolean> {
  const file = options.uploadPasswordFile || join(options.folder, 'upload.password');
  const password = await readFile(file, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || options.uploadPasswordFile !== '') {
      throw new KilnError('config-invalid', `packages.upload_password_file: ${error.message}`, {
        cause: error,
      });
    }
    const made = `${options.ids.secret()}\n`;
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, made, { mode: 0o600, flush: true });
    await rename(`${file}.new`, file);
    return made;
  });
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(`${options.uploadUser}:${password.trim()}`);
  return (authorization) => {
    const [, credentials] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? [];
    return (
      credentials !== undefined &&
      timingSafeEqual(digest(Buffer.from(credentials, 'base64').toString('utf8')), wanted)
    );
  };
}
