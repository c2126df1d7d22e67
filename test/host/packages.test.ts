/**
 * Package repositories as package managers see them: hosted ones that are uploaded to, proxies of them, groups, and
 * what happens when an upstream misbehaves. Packages are described by the tools of the real builder root.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { readCleartextMessage, readKey, verify } from 'openpgp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RepositoryRecord } from '../../src/features/repositories/store.ts';
import { openPackages, type Packages } from '../../src/packages/index.ts';
import { randomIds } from '../../src/platform/ids.ts';
import { silentLog } from '../../src/platform/log.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { KILN } from '../support/kiln.ts';
import {
  askPackages,
  makeAuthority,
  makePackages,
  memoryRepositories,
  type TestAuthority,
} from '../support/packages.ts';

let folder: string;
let authority: TestAuthority;
let rpms: Map<string, Buffer>;
let packages: Packages;
let port: number;
let repositories: ReturnType<typeof memoryRepositories>;
const live = new Set<string>();
let time = new Date();
const closing: (() => Promise<unknown>)[] = [];

const HELLO = 'hello-1.0-1.noarch.rpm';
const HELLO_2 = 'hello-2.0-1.noarch.rpm';
const OTHER = 'other-1.0-1.noarch.rpm';
/** Longer than a busy machine takes between two uploads. */
const QUIET_MS = 5_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-packages-'));
  authority = await makeAuthority(join(folder, 'ca'));
  rpms = await makePackages(folder, [
    { name: 'hello', version: '1.0' },
    { name: 'hello', version: '2.0' },
    { name: 'other', version: '1.0', requires: 'hello' },
    { name: 'tool', version: '1', format: 'apt' },
  ]);
  repositories = memoryRepositories();
  await open();
});
afterAll(async () => {
  await packages?.close();
  for (const close of closing) {
    await close();
  }
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  time = new Date();
});

async function open(): Promise<void> {
  packages = await openPackages({
    folder: join(folder, 'packages'),
    repositories,
    clock: { now: () => time },
    ids: randomIds,
    log: silentLog,
    entry: [KILN],
    builderRoot: testBuilderRoot,
    trusted: () => [authority.ca],
    certificate: await authority.issue(['packages.local']),
    silenceSeconds: 5,
    quietMs: QUIET_MS,
    uploadUser: 'kiln',
    uploadPasswordFile: '',
    isLive: async (jobId) => live.has(jobId),
  });
  port = await packages.server.listen('127.0.0.1', 0);
}

const ask = (path: string, options?: Parameters<typeof askPackages>[2]) =>
  askPackages({ port, ca: authority.ca }, `/repository/${path}`, options);
const bytes = (file: string) => rpms.get(file) ?? Buffer.alloc(0);

async function make(
  name: string,
  kind: RepositoryRecord['kind'],
  more: Partial<RepositoryRecord> = {},
): Promise<RepositoryRecord> {
  const record: RepositoryRecord = {
    name,
    kind,
    format: 'rpm',
    created: time.toISOString(),
    upstream: null,
    members: [],
    distribution: null,
    ...more,
  };
  await repositories.put(record);
  return record;
}

async function hosted(name: string, ...files: string[]): Promise<RepositoryRecord> {
  const record = await make(name, 'hosted');
  for (const file of files) {
    await packages.contents.upload(record, `Packages/${file}`, Readable.from([bytes(file)]), {});
  }
  await packages.contents.publish(record);
  return record;
}

/** The primary list of a repository, found the way a client finds it. */
async function primaryOf(name: string): Promise<string> {
  const repomd = (await ask(`${name}/repodata/repomd.xml`)).body.toString();
  const href = /<data type="primary">[\s\S]*?href="([^"]+)"/.exec(repomd)?.[1];
  const list = await ask(`${name}/${href}`);
  expect(createHash('sha256').update(list.body).digest('hex')).toBe(
    /<data type="primary">\s*<checksum type="sha256">([0-9a-f]+)/.exec(repomd)?.[1],
  );
  return gunzipSync(list.body).toString();
}
const pathsIn = (primary: string) =>
  [...primary.matchAll(/<location href="([^"]+)"/g)].map(([, path]) => path);

/** An upstream that answers as it is told to; counts what it is asked for. */
async function upstream(
  answer: (path: string) => { status?: number; body?: Buffer; hang?: boolean; cut?: boolean } | undefined,
  tls?: { cert: string; key: string },
) {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    const path = (request.url ?? '').replace(/^\/+/, '');
    asked.push(path);
    const said = answer(path);
    if (said?.hang) {
      return;
    }
    const body = said?.body ?? Buffer.from('nothing');
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    if (said !== undefined && request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(said === undefined ? 404 : (said.status ?? 200), {
      etag,
      'content-length': body.length,
    });
    if (said?.cut) {
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
      return;
    }
    response.end(body);
  };
  const server: Server = tls === undefined ? createServer(listener) : createHttpsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: address, asked, server };
}

/** Everything that a repository of this server answers, as the content of an upstream. */
function contentOf(name: string) {
  const cache = new Map<string, Buffer>();
  return {
    async load(...files: string[]) {
      const repomd = (await ask(`${name}/repodata/repomd.xml`)).body;
      cache.clear();
      cache.set('repodata/repomd.xml', repomd);
      for (const [, href = ''] of repomd.toString().matchAll(/href="([^"]+)"/g)) {
        cache.set(href, (await ask(`${name}/${href}`)).body);
      }
      for (const file of files) {
        cache.set(`Packages/${file}`, bytes(file));
      }
    },
    cache,
    answer: (path: string) => {
      const body = cache.get(path);
      return body === undefined ? undefined : { body };
    },
  };
}

const proxyOf = (name: string, url: string, refresh_seconds = 0) =>
  make(name, 'proxy', { upstream: { url, user: null, refresh_seconds } });

describe('a hosted repository', () => {
  it('publishes what was uploaded, signed, and serves it', async () => {
    const record = await hosted('plain', HELLO, OTHER);
    expect(await packages.contents.status(record)).toMatchObject({
      revision: 1,
      packages: 2,
      pending: 0,
      problems: [],
    });
    expect(pathsIn(await primaryOf('plain')).sort()).toEqual([`Packages/${HELLO}`, `Packages/${OTHER}`]);

    const served = await ask(`plain/Packages/${HELLO}`);
    expect(served.status).toBe(200);
    expect(served.body.equals(bytes(HELLO))).toBe(true);
    expect(served.headers['content-type']).toBe('application/x-rpm');
    const again = await ask(`plain/Packages/${HELLO}`, {
      headers: { 'if-none-match': String(served.headers.etag) },
    });
    expect(again.status).toBe(304);
    const part = await ask(`plain/Packages/${HELLO}`, { headers: { range: 'bytes=10-19' } });
    expect(part.status).toBe(206);
    expect(part.body.equals(bytes(HELLO).subarray(10, 20))).toBe(true);
    expect((await ask('plain/repodata/repomd.xml.key')).body.toString()).toBe(packages.publicKey);
  });

  it('takes a package out and puts another one in its place, in one revision', async () => {
    const record = await hosted('changing', HELLO, OTHER);
    await packages.contents.remove(record, `Packages/${OTHER}`);
    await packages.contents.upload(record, `Packages/${HELLO}`, Readable.from([bytes(HELLO_2)]), {});
    expect(await packages.contents.status(record)).toMatchObject({ revision: 1, packages: 2, pending: 2 });
    await packages.contents.publish(record);
    expect(await packages.contents.status(record)).toMatchObject({ revision: 2, packages: 1, pending: 0 });
    expect(await primaryOf('changing')).toContain('ver="2.0"');
    expect((await ask(`changing/Packages/${OTHER}`)).status).toBe(404);
    expect((await ask(`changing/Packages/${HELLO}`)).body.equals(bytes(HELLO_2))).toBe(true);
  });

  it('publishes by itself soon after an upload over HTTPS with user and password', async () => {
    const record = await make('uploads', 'hosted');
    const { readFile } = await import('node:fs/promises');
    const password = (await readFile(join(folder, 'packages', 'upload.password'), 'utf8')).trim();
    const authorization = `Basic ${Buffer.from(`kiln:${password}`).toString('base64')}`;
    const put = (headers: Record<string, string>) =>
      ask(`uploads/${HELLO}`, { method: 'PUT', headers, body: bytes(HELLO) });
    const refused = await put({});
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toContain('Basic');
    expect(
      (await put({ authorization: `Basic ${Buffer.from('kiln:wrong').toString('base64')}` })).status,
    ).toBe(401);
    expect((await put({ authorization })).status).toBe(201);
    await waitFor(async () => ((await packages.contents.status(record)).revision > 0 ? true : undefined), {
      timeoutMs: 60_000,
      describe: () => 'the upload to be published',
    });
    expect(pathsIn(await primaryOf('uploads'))).toEqual([HELLO]);
  });

  it('refuses what is no package, and what is cut off, with the reason', async () => {
    const record = await make('strict', 'hosted');
    const upload = (path: string, data: Buffer) =>
      packages.contents.upload(record, path, Readable.from([data]), {});
    await expect(upload('a.rpm', Buffer.from('junk'))).rejects.toThrow('a.rpm is no rpm package');
    for (const length of [50, 100, 200, 3000, bytes(HELLO).length - 1]) {
      await expect(upload('a.rpm', bytes(HELLO).subarray(0, length)), `${length} bytes`).rejects.toThrow(
        /cut off|no rpm/,
      );
    }
    await expect(upload('../a.rpm', bytes(HELLO))).rejects.toThrow('is no path for a package');
    await expect(upload('repodata/a.rpm', bytes(HELLO))).rejects.toThrow('is no path for a package');
    await expect(upload('a.deb', bytes(HELLO))).rejects.toThrow('is no path for a package');
    const wrong = packages.contents.upload(record, 'a.rpm', Readable.from([bytes(HELLO)]), {
      sha256: 'f'.repeat(64),
    });
    await expect(wrong).rejects.toThrow('was announced');
    // Whole by its own account, and yet nothing that the tools can read.
    const damaged = Buffer.from(bytes(HELLO));
    damaged.fill(0xff, 300, 900);
    await upload('damaged.rpm', damaged);
    const status = await packages.contents.publish(record);
    expect(status.packages).toBe(0);
    expect(status.problems).toEqual([{ path: 'damaged.rpm', message: expect.stringMatching(/\S/) }]);
  });

  it('keeps what was uploaded when the service dies before it is published', async () => {
    const record = await make('survivor', 'hosted');
    await packages.contents.upload(record, HELLO, Readable.from([bytes(HELLO)]), {});
    await packages.close();
    await open();
    await packages.maintain();
    await waitFor(async () => ((await packages.contents.status(record)).packages === 1 ? true : undefined), {
      timeoutMs: 60_000,
      describe: () => 'the pending upload to be published after the start',
    });
  });

  it('serves apt with lists by architecture and a signature over them', async () => {
    const record = await make('debs', 'hosted', { format: 'apt', distribution: 'noble' });
    const deb = 'tool_1_all.deb';
    await packages.contents.upload(record, `pool/${deb}`, Readable.from([bytes(deb)]), {});
    await packages.contents.publish(record);
    const list = (await ask('debs/dists/noble/main/binary-amd64/Packages')).body.toString();
    expect(list).toContain(`Filename: pool/${deb}`);
    const message = await readCleartextMessage({
      cleartextMessage: (await ask('debs/dists/noble/InRelease')).body.toString(),
    });
    const { signatures } = await verify({
      message,
      verificationKeys: await readKey({ armoredKey: packages.publicKey }),
    });
    await expect(signatures[0]?.verified).resolves.toBe(true);
    expect(message.getText()).toContain(createHash('sha256').update(list).digest('hex'));
  });
});

describe('the server', () => {
  it('answers requests that a client sends ahead, as apt does, each in its turn', async () => {
    const sizes = [3_000_000, 50_000, 60_000, 70_000];
    const content = contentOfSizes(sizes);
    const { url } = await upstream((path) => content.get(path));
    await proxyOf('ahead', url, 3600);
    await ask('ahead/repodata/repomd.xml');
    const wanted = Array.from({ length: 40 }, (_, index) => index % sizes.length);
    for (let round = 0; round < 10; round += 1) {
      const answers = await pipelined(wanted.map((index) => `/repository/ahead/${index}.rpm`));
      expect(answers).toEqual(wanted.map((index) => sizes[index]));
    }
  });
});

/** An upstream of files of these sizes, which are no packages but listed as such. */
function contentOfSizes(sizes: readonly number[]): Map<string, { body: Buffer }> {
  const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
  const files = sizes.map((size, index) => ({ path: `${index}.rpm`, body: Buffer.alloc(size, index + 1) }));
  const entries = files.map(
    ({ path, body }) =>
      `<package type="rpm"><checksum type="sha256" pkgid="YES">${sha256(body)}</checksum><size package="${body.length}"/><location href="${path}"/></package>`,
  );
  const primary = `<metadata>${entries.join('')}</metadata>`;
  const repomd = `<repomd><data type="primary"><checksum type="sha256">${sha256(primary)}</checksum><location href="primary.xml"/></data></repomd>`;
  return new Map([
    ['repodata/repomd.xml', { body: Buffer.from(repomd) }],
    ['primary.xml', { body: Buffer.from(primary) }],
    ...files.map(({ path, body }) => [path, { body }] as const),
  ]);
}

/** Sends requests ahead over one connection and reads slowly; gives the length of each answer. */
function pipelined(paths: readonly string[]): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: authority.ca, servername: 'packages.local' });
    const lengths: number[] = [];
    let head = '';
    let left = 0;
    socket.on('data', (chunk: Buffer) => {
      for (let rest = chunk; rest.length > 0; ) {
        if (left > 0) {
          const taken = Math.min(left, rest.length);
          left -= taken;
          rest = rest.subarray(taken);
          continue;
        }
        const before = head.length;
        head += rest.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) {
          break;
        }
        left = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        lengths.push(left);
        rest = rest.subarray(end + 4 - before);
        head = '';
      }
      if (lengths.length === paths.length && left === 0) {
        socket.destroy();
        resolve(lengths);
      }
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on('error', reject);
    socket.on('close', () =>
      reject(new Error(`the connection ended in answer ${lengths.length}, ${left} bytes short`)),
    );
    socket.on('secureConnect', () => {
      const send = (from: number) => {
        for (const path of paths.slice(from, from + 10)) {
          socket.write(`GET ${path} HTTP/1.1\r\nHost: packages.local\r\n\r\n`);
        }
        if (from + 10 < paths.length) {
          setTimeout(send, 3, from + 10);
        }
      };
      send(0);
    });
  });
}

describe('a proxy', () => {
  it('fetches a package once, when it is asked for', async () => {
    await hosted('source', HELLO, OTHER);
    const content = contentOf('source');
    await content.load(HELLO, OTHER);
    const { url, asked } = await upstream(content.answer);
    const record = await proxyOf('mirror', url, 3600);
    expect(pathsIn(await primaryOf('mirror'))).toHaveLength(2);
    expect(asked.filter((path) => path.startsWith('Packages'))).toEqual([]);
    for (let times = 0; times < 3; times += 1) {
      const answer = await ask(`mirror/Packages/${HELLO}`);
      expect(answer.status, answer.body.toString('latin1').slice(0, 300)).toBe(200);
      expect(answer.body.equals(bytes(HELLO))).toBe(true);
    }
    expect(asked.filter((path) => path.startsWith('Packages'))).toEqual([]);
    expect(asked.filter((path) => path === 'repodata/repomd.xml')).toHaveLength(1);
    expect(await packages.contents.status(record)).toMatchObject({ packages: 2, upstream_problem: null });
  });

  it('verifies what it fetches: cut off, another file, a file that is not there', async () => {
    const content = await foreign('foreign-a', 'foreign-a-1.0-1.noarch.rpm');
    let cut = true;
    const { url } = await upstream((path) => {
      const said = content.answer(path);
      return said !== undefined && path.endsWith('.rpm') && cut ? { body: said.body.subarray(0, 900) } : said;
    });
    await proxyOf('verified', url);
    await primaryOf('verified');
    const bad = await ask('verified/foreign-a-1.0-1.noarch.rpm');
    expect(bad.status).toBe(502);
    expect(bad.body.toString()).toContain('it is cut off: 900 bytes came');
    cut = false;
    content.cache.set('foreign-a-1.0-1.noarch.rpm', Buffer.alloc(content.size, 1));
    expect((await ask('verified/foreign-a-1.0-1.noarch.rpm')).body.toString()).toContain(
      'and its metadata says',
    );
    content.cache.delete('foreign-a-1.0-1.noarch.rpm');
    expect((await ask('verified/foreign-a-1.0-1.noarch.rpm')).body.toString()).toContain('but not there');
    content.restore();
    const good = await ask('verified/foreign-a-1.0-1.noarch.rpm');
    expect(good.status, good.body.toString('latin1').slice(0, 300)).toBe(200);
  });

  it('goes on with what it has while the upstream is away, and says so', async () => {
    const content = await foreign('foreign-b', 'foreign-b-1.0-1.noarch.rpm');
    let status = 200;
    const { url } = await upstream((path) => (status === 200 ? content.answer(path) : { status }));
    const record = await proxyOf('warm', url);
    expect((await ask('warm/repodata/repomd.xml')).headers['x-kiln-notice']).toBeUndefined();
    status = 503;
    const stale = await ask('warm/repodata/repomd.xml');
    expect(stale.status).toBe(200);
    expect(stale.headers['x-kiln-notice']).toMatch(/upstream of "warm" cannot be asked .*it answers 503/);
    expect((await packages.contents.status(record)).upstream_problem).toContain('it answers 503');
    status = 200;
    time = new Date(Date.now() + 60_000);
    expect((await ask('warm/repodata/repomd.xml')).headers['x-kiln-notice']).toBeUndefined();
    expect((await packages.contents.status(record)).upstream_problem).toBeNull();
  });

  it('says clearly why it has nothing: away, hanging, wrong credentials, wrong and expired certificates', async () => {
    const other = await makeAuthority(join(folder, 'other-ca'));
    const cases: [string, Promise<{ url: string }>, RegExp][] = [
      ['refused', Promise.resolve({ url: 'http://127.0.0.1:1' }), /refuses connections/],
      ['hanging', upstream(() => ({ hang: true })), /has not answered for 5 s/],
      ['denied', upstream(() => ({ status: 401 })), /wants other credentials/],
      ['empty', upstream(() => undefined), /no rpm repository/],
      [
        'stranger',
        upstream(() => undefined, await other.issue(['127.0.0.1'])),
        /authority that is not trusted/,
      ],
      [
        'expired',
        upstream(() => undefined, await authority.issue(['127.0.0.1'], { expired: true })),
        /certificate has expired/,
      ],
    ];
    for (const [name, server, reason] of cases) {
      await proxyOf(name, (await server).url);
      const answer = await ask(`${name}/repodata/repomd.xml`);
      expect(answer.status, name).toBe(502);
      expect(answer.body.toString(), name).toMatch(reason);
    }
  });

  it('asks again when metadata changes between two reads, and never mixes them', async () => {
    const [old, young] = [
      await foreign('foreign-c', 'foreign-c-1.0-1.noarch.rpm'),
      await foreign('foreign-d', 'foreign-d-1.0-1.noarch.rpm'),
    ];
    let repomds = 0;
    const { url } = await upstream((path) => {
      repomds += path === 'repodata/repomd.xml' ? 1 : 0;
      // The first answer is of yesterday, and the lists that it names are gone.
      return repomds === 1 && path === 'repodata/repomd.xml' ? old.answer(path) : young.answer(path);
    });
    await proxyOf('moving', url);
    expect(pathsIn(await primaryOf('moving'))).toEqual(['foreign-d-1.0-1.noarch.rpm']);
    expect(repomds).toBeGreaterThan(1);
  });

  it('keeps its credentials to itself', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(request.headers.authorization === undefined ? 401 : 404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const record = await make('secretive', 'proxy', { upstream: { url, user: 'me', refresh_seconds: 0 } });
    repositories.secretsFor('secretive', { password: 'very-secret', ca_certificates: null });
    const answer = await ask('secretive/repodata/repomd.xml');
    expect(seen[0]).toBe(`Basic ${Buffer.from('me:very-secret').toString('base64')}`);
    expect(answer.body.toString() + JSON.stringify(answer.headers)).not.toContain('very-secret');
    expect(JSON.stringify(await packages.contents.status(record))).not.toContain('very-secret');
  });
});

describe('a group', () => {
  it('has the packages of its members, each once, the first member winning', async () => {
    await hosted('first', HELLO);
    await hosted('second', HELLO, OTHER);
    const record = await make('both', 'group', { members: ['first', 'second'] });
    expect(pathsIn(await primaryOf('both'))).toEqual([`Packages/${HELLO}`, `Packages/${OTHER}`]);
    expect((await ask(`both/Packages/${OTHER}`)).body.equals(bytes(OTHER))).toBe(true);
    const before = await packages.contents.status(record);
    await primaryOf('both');
    expect((await packages.contents.status(record)).revision).toBe(before.revision);
    const first = (await repositories.find('first')) as RepositoryRecord;
    await packages.contents.upload(first, HELLO_2, Readable.from([bytes(HELLO_2)]), {});
    expect(pathsIn(await primaryOf('both'))).toContain(HELLO_2);
  });
});

describe('a build', () => {
  it('sees one revision of a repository, whatever is published meanwhile', async () => {
    const record = await hosted('busy', HELLO);
    live.add('job-1');
    const early = await askAsBuild('job-1', '/repository/busy/repodata/repomd.xml');
    await packages.contents.remove(record, `Packages/${HELLO}`);
    await packages.contents.upload(record, `Packages/${OTHER}`, Readable.from([bytes(OTHER)]), {});
    await packages.contents.publish(record);
    expect((await ask(`busy/Packages/${HELLO}`)).status).toBe(404);
    await packages.close();
    await open();
    await packages.maintain();
    const late = await askAsBuild('job-1', '/repository/busy/repodata/repomd.xml');
    expect(late.body.equals(early.body)).toBe(true);
    expect((await askAsBuild('job-1', `/repository/busy/Packages/${HELLO}`)).body.equals(bytes(HELLO))).toBe(
      true,
    );
    expect((await askAsBuild('job-1', `/repository/busy/Packages/${OTHER}`)).status).toBe(404);
    expect((await askAsBuild('job-2', `/repository/busy/Packages/${OTHER}`)).status).toBe(200);
  });

  it('may not write, whatever it sends', async () => {
    await hosted('read-only', HELLO);
    const answer = await askAsBuild('job-1', '/repository/read-only/a.rpm', {
      method: 'PUT',
      body: bytes(HELLO),
    });
    expect(answer.status).toBe(401);
  });
});

/** Asks over a connection that the runner of a job has made. */
async function askAsBuild(
  jobId: string,
  path: string,
  options: Pick<NonNullable<Parameters<typeof askPackages>[2]>, 'method' | 'body'> = {},
) {
  const door = createNetServer((socket) => packages.server.acceptBuild(socket, jobId));
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  try {
    return await askPackages({ port: (door.address() as AddressInfo).port, ca: authority.ca }, path, options);
  } finally {
    door.close();
  }
}

/** An upstream of packages that this server does not have yet. */
async function foreign(name: string, file: string) {
  const made = await makePackages(folder, [{ name, version: '1.0' }]);
  const body = made.get(file) ?? Buffer.alloc(0);
  const scratch = await mkdtemp(join(tmpdir(), 'kiln-foreign-'));
  closing.push(() => rm(scratch, { recursive: true, force: true }));
  const store = memoryRepositories();
  const elsewhere = await openPackages({
    folder: scratch,
    repositories: store,
    clock: { now: () => new Date() },
    ids: randomIds,
    log: silentLog,
    entry: [KILN],
    builderRoot: testBuilderRoot,
    trusted: () => [],
    certificate: await authority.issue(['packages.local']),
    silenceSeconds: 5,
    quietMs: QUIET_MS,
    uploadUser: 'kiln',
    uploadPasswordFile: '',
    isLive: async () => false,
  });
  const record: RepositoryRecord = {
    name,
    kind: 'hosted',
    format: 'rpm',
    created: time.toISOString(),
    upstream: null,
    members: [],
    distribution: null,
  };
  await store.put(record);
  await elsewhere.contents.upload(record, file, Readable.from([body]), {});
  await elsewhere.contents.publish(record);
  const otherPort = await elsewhere.server.listen('127.0.0.1', 0);
  const fetch = async (path: string) =>
    (await askPackages({ port: otherPort, ca: authority.ca }, `/repository/${name}/${path}`)).body;
  const cache = new Map<string, Buffer>();
  const repomd = await fetch('repodata/repomd.xml');
  cache.set('repodata/repomd.xml', repomd);
  for (const [, href = ''] of repomd.toString().matchAll(/href="([^"]+)"/g)) {
    cache.set(href, await fetch(href));
  }
  cache.set(file, body);
  await elsewhere.close();
  return {
    cache,
    size: body.length,
    restore: () => void cache.set(file, body),
    answer: (path: string) => {
      const found = cache.get(path);
      return found === undefined ? undefined : { body: found };
    },
  };
}
