/** A package server in a folder of its own: repositories that tests make, upload to and ask for over TLS. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { RepositoryRecord } from '../../src/features/repositories/store.ts';
import { openPackages } from '../../src/packages/index.ts';
import { randomIds } from '../../src/platform/ids.ts';
import { silentLog } from '../../src/platform/log.ts';
import { testBuilderRoot } from './builder-root.ts';
import { KILN } from './kiln.ts';
import { type Answer, askPackages, makeAuthority, makePackages, memoryRepositories } from './packages.ts';
import { startUpstream } from './upstream.ts';

/** Longer than a busy machine takes between two uploads. */
const QUIET_MS = 5_000;
/** Longer than one takes to answer within a process. */
export const SILENCE_SECONDS = 5;

export type PackageWorld = Awaited<ReturnType<typeof openPackageWorld>>;
type AskOptions = NonNullable<Parameters<typeof askPackages>[2]>;

/** With these packages, made by the tools of the real builder root. The caller closes it. */
export async function openPackageWorld(wanted: Parameters<typeof makePackages>[1]) {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-packages-'));
  const authority = await makeAuthority(join(folder, 'ca'));
  const files = await makePackages(folder, wanted);
  const repositories = memoryRepositories();
  const live = new Set<string>();
  const atEnd: (() => Promise<unknown>)[] = [];
  let time: Date | undefined;
  let { packages, port } = await open();

  async function open() {
    const opened = await openPackages({
      folder: join(folder, 'packages'),
      repositories,
      clock: { now: () => time ?? new Date() },
      ids: randomIds,
      log: silentLog,
      entry: [KILN],
      builderRoot: testBuilderRoot,
      trusted: () => [authority.ca],
      certificate: await authority.issue(['packages.local']),
      silenceSeconds: SILENCE_SECONDS,
      quietMs: QUIET_MS,
      uploadUser: 'kiln',
      uploadPasswordFile: '',
      isLive: async (jobId) => live.has(jobId),
    });
    return { packages: opened, port: await opened.server.listen('127.0.0.1', 0) };
  }

  const bytes = (file: string): Buffer => {
    const data = files.get(file);
    if (data === undefined) {
      throw new TypeError(`no package ${file} was made, only ${[...files.keys()].join(', ')}`);
    }
    return data;
  };
  const ask = (path: string, options?: AskOptions) =>
    askPackages({ port, ca: authority.ca }, `/repository/${path}`, options);

  async function make(
    name: string,
    kind: RepositoryRecord['kind'],
    more: Partial<RepositoryRecord> = {},
  ): Promise<RepositoryRecord> {
    const record: RepositoryRecord = {
      ...{ name, kind, format: 'rpm', created: new Date().toISOString() },
      ...{ upstream: null, members: [], distribution: null, ...more },
    };
    await repositories.put(record);
    return record;
  }

  async function upload(record: RepositoryRecord, path: string, data: Buffer): Promise<void> {
    await packages.contents.upload(record, path, Readable.from([data]), {});
  }

  return {
    folder,
    authority,
    repositories,
    /** Jobs that go on. */
    live,
    get packages() {
      return packages;
    },
    get port() {
      return port;
    },
    bytes,
    ask,
    make,
    upload,

    /** Stops the time at this moment; undefined lets it run. */
    setTime(at: Date | undefined): void {
      time = at;
    },

    /** Ends the server and starts it again on the same folder. */
    async restart(): Promise<void> {
      await packages.close();
      ({ packages, port } = await open());
      await packages.maintain();
    },

    /** A hosted repository of these packages, published. */
    async hosted(name: string, ...names: string[]): Promise<RepositoryRecord> {
      const record = await make(name, 'hosted');
      for (const file of names) {
        await upload(record, `Packages/${file}`, bytes(file));
      }
      await packages.contents.publish(record);
      return record;
    },

    proxyOf: (name: string, url: string, refresh_seconds = 0) =>
      make(name, 'proxy', { upstream: { url, user: null, refresh_seconds } }),

    async upstream(...how: Parameters<typeof startUpstream>) {
      const upstream = await startUpstream(...how);
      atEnd.push(upstream.close);
      return upstream;
    },

    /** The primary list of a repository, found the way a client finds it. */
    async primaryOf(name: string): Promise<string> {
      const repomd = (await ask(`${name}/repodata/repomd.xml`)).body.toString();
      const href = /<data type="primary">[\s\S]*?href="([^"]+)"/.exec(repomd)?.[1];
      const list = await ask(`${name}/${href}`);
      expect(createHash('sha256').update(list.body).digest('hex')).toBe(
        /<data type="primary">\s*<checksum type="sha256">([0-9a-f]+)/.exec(repomd)?.[1],
      );
      return gunzipSync(list.body).toString();
    },

    /** Everything that a repository answers, by path: what an upstream with the same packages has. */
    async contentOf(name: string): Promise<Map<string, Buffer>> {
      const repomd = (await ask(`${name}/repodata/repomd.xml`)).body;
      const content = new Map([['repodata/repomd.xml', repomd]]);
      for (const [, href = ''] of repomd.toString().matchAll(/href="([^"]+)"/g)) {
        content.set(href, (await ask(`${name}/${href}`)).body);
      }
      for (const [file, data] of files) {
        content.set(`Packages/${file}`, data);
      }
      return content;
    },

    /** Asks over a connection that the runner of a job has made. */
    async askAsBuild(
      jobId: string,
      path: string,
      options: Omit<AskOptions, 'headers'> = {},
    ): Promise<Answer> {
      const door = createServer((socket) => packages.server.acceptBuild(socket, jobId));
      await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
      const { port: ofDoor } = door.address() as AddressInfo;
      try {
        return await askPackages({ port: ofDoor, ca: authority.ca }, `/repository/${path}`, options);
      } finally {
        door.close();
      }
    },

    async close(): Promise<void> {
      await packages.close();
      for (const end of atEnd) {
        await end();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const pathsIn = (primary: string) =>
  [...primary.matchAll(/<location href="([^"]+)"/g)].map(([, path]) => path);

/** What an upstream has of a package that nobody else has. */
export async function foreignContent(name: string, version: string): Promise<Map<string, Buffer>> {
  const world = await openPackageWorld([{ name, version }]);
  try {
    await world.hosted(name, `${name}-${version}-1.noarch.rpm`);
    return await world.contentOf(name);
  } finally {
    await world.close();
  }
}
