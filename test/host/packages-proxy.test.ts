/**
 * Proxies of package repositories: what they fetch and when, what becomes of upstreams that are away, slow, wrong or changing, and
 * how the server answers clients that ask for much at once.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  foreignContent,
  openPackageWorld,
  type PackageWorld,
  pathsIn,
  SILENCE_SECONDS,
} from '../support/package-world.ts';
import { makeAuthority } from '../support/packages.ts';

const HELLO = 'hello-1.0-1.noarch.rpm';
const OTHER = 'other-1.0-1.noarch.rpm';
/** Where each package is in its repository. */
const at = (name: string) => `Packages/${name}-1.0-1.noarch.rpm`;

let world: PackageWorld;
beforeAll(async () => {
  world = await openPackageWorld([
    { name: 'hello', version: '1.0' },
    { name: 'other', version: '1.0', requires: 'hello' },
  ]);
});
afterAll(() => world?.close());

/** An upstream with this content. */
const having = (content: ReadonlyMap<string, Buffer>) => (path: string) => {
  const body = content.get(path);
  return body === undefined ? undefined : { body };
};

describe('a proxy', () => {
  it('fetches a package once, when it is asked for', async () => {
    const content = await foreignContent('foreign', '1.0');
    const { url, asked } = await world.upstream(having(content));
    const record = await world.proxyOf('mirror', url, 3600);
    expect(pathsIn(await world.primaryOf('mirror'))).toEqual([at('foreign')]);
    expect(asked).not.toContain(at('foreign'));
    for (let times = 0; times < 3; times += 1) {
      const answer = await world.ask(`mirror/${at('foreign')}`);
      expect(answer.status, answer.body.toString('latin1').slice(0, 300)).toBe(200);
      expect(answer.body.equals(content.get(at('foreign')) ?? Buffer.alloc(0))).toBe(true);
    }
    expect(asked.filter((path) => path === at('foreign'))).toHaveLength(1);
    expect(asked.filter((path) => path === 'repodata/repomd.xml')).toHaveLength(1);
    expect(await world.packages.contents.status(record)).toMatchObject({
      packages: 1,
      upstream_problem: null,
    });
  });

  it('does not fetch what the server has in another repository', async () => {
    await world.hosted('source', HELLO, OTHER);
    const { url, asked } = await world.upstream(having(await world.contentOf('source')));
    await world.proxyOf('twin', url, 3600);
    expect((await world.ask(`twin/Packages/${HELLO}`)).body.equals(world.bytes(HELLO))).toBe(true);
    expect(asked.filter((path) => path.startsWith('Packages'))).toEqual([]);
  });

  it('verifies what it fetches: cut off, another file, a file that is not there', async () => {
    const path = at('foreign-a');
    const content = await foreignContent('foreign-a', '1.0');
    const whole = content.get(path) ?? Buffer.alloc(0);
    const { url } = await world.upstream((asked) => having(content)(asked));
    await world.proxyOf('verified', url);
    const told = async () => (await world.ask(`verified/${path}`)).body.toString();

    content.set(path, whole.subarray(0, 900));
    expect((await world.ask(`verified/${path}`)).status).toBe(502);
    expect(await told()).toContain('it is cut off: 900 bytes came');
    content.set(path, Buffer.alloc(whole.length, 1));
    expect(await told()).toContain('and its metadata says');
    content.delete(path);
    expect(await told()).toContain('but not there');
    content.set(path, whole);
    const good = await world.ask(`verified/${path}`);
    expect(good.status, good.body.toString('latin1').slice(0, 300)).toBe(200);
  });

  it('goes on with what it has while the upstream is away, and says so', async () => {
    const content = await foreignContent('foreign-b', '1.0');
    let isAway = false;
    const { url } = await world.upstream((path) => (isAway ? { status: 503 } : having(content)(path)));
    const record = await world.proxyOf('warm', url);
    const notice = async () => {
      const { status, headers } = await world.ask('warm/repodata/repomd.xml');
      expect(status).toBe(200);
      return headers['x-kiln-notice'];
    };
    const problem = async () => (await world.packages.contents.status(record)).upstream_problem;
    expect(await notice()).toBeUndefined();
    isAway = true;
    expect(await notice()).toMatch(/upstream of "warm" cannot be asked .*it answers 503/);
    expect(await problem()).toContain('it answers 503');
    isAway = false;
    world.setTime(new Date(Date.now() + 60_000));
    expect(await notice()).toBeUndefined();
    expect(await problem()).toBeNull();
    world.setTime(undefined);
  });

  it('says clearly why it has nothing: away, hanging, wrong credentials, wrong and expired certificates', async () => {
    const nothing = () => undefined;
    const stranger = await makeAuthority(join(world.folder, 'other-ca'));
    const expired = await world.authority.issue(['127.0.0.1'], { expired: true });
    const hanging = new RegExp(`has not answered for ${SILENCE_SECONDS} s`);
    const cases: [string, Promise<{ url: string }>, RegExp][] = [
      ['refused', Promise.resolve({ url: 'http://127.0.0.1:1' }), /refuses connections/],
      ['hanging', world.upstream(() => ({ hang: true })), hanging],
      ['denied', world.upstream(() => ({ status: 401 })), /wants other credentials/],
      ['empty', world.upstream(nothing), /no rpm repository/],
      [
        'stranger',
        world.upstream(nothing, await stranger.issue(['127.0.0.1'])),
        /authority that is not trusted/,
      ],
      ['expired', world.upstream(nothing, expired), /certificate has expired/],
    ];
    for (const [name, upstream, reason] of cases) {
      await world.proxyOf(name, (await upstream).url);
      const answer = await world.ask(`${name}/repodata/repomd.xml`);
      expect(answer.status, name).toBe(502);
      expect(answer.body.toString(), name).toMatch(reason);
    }
  });

  it('asks again when metadata changes between two reads, and never mixes them', async () => {
    const old = await foreignContent('foreign-c', '1.0');
    const young = await foreignContent('foreign-d', '1.0');
    let reads = 0;
    const { url } = await world.upstream((path) => {
      reads += path === 'repodata/repomd.xml' ? 1 : 0;
      // The first answer is of yesterday, and the lists that it names are gone.
      return having(reads === 1 && path === 'repodata/repomd.xml' ? old : young)(path);
    });
    await world.proxyOf('moving', url);
    expect(pathsIn(await world.primaryOf('moving'))).toEqual([at('foreign-d')]);
    expect(reads).toBeGreaterThan(1);
  });

  it('keeps its credentials to itself', async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await world.upstream((_path, authorization) => {
      seen.push(authorization);
      return authorization === undefined ? { status: 401 } : undefined;
    });
    const upstream = { url, user: 'me', refresh_seconds: 0 };
    const record = await world.make('secretive', 'proxy', { upstream });
    world.repositories.secretsFor('secretive', { password: 'very-secret', ca_certificates: null });
    const answer = await world.ask('secretive/repodata/repomd.xml');
    expect(seen[0]).toBe(`Basic ${Buffer.from('me:very-secret').toString('base64')}`);
    expect(answer.body.toString() + JSON.stringify(answer.headers)).not.toContain('very-secret');
    expect(JSON.stringify(await world.packages.contents.status(record))).not.toContain('very-secret');
  });
});

describe('the server', () => {
  it('answers requests that a client sends ahead, as apt does, each in its turn', async () => {
    const sizes = [3_000_000, 50_000, 60_000, 70_000];
    const content = contentOfSizes(sizes);
    const { url } = await world.upstream(having(content));
    await world.proxyOf('ahead', url, 3600);
    await world.ask('ahead/repodata/repomd.xml');
    const wanted = Array.from({ length: 40 }, (_, index) => index % sizes.length);
    for (let round = 0; round < 10; round += 1) {
      const answers = await pipelined(wanted.map((index) => `/repository/ahead/${index}.rpm`));
      expect(answers).toEqual(wanted.map((index) => sizes[index]));
    }
  });
});

/** An upstream of files of these sizes, which are no packages but listed as such. */
function contentOfSizes(sizes: readonly number[]): Map<string, Buffer> {
  const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
  const files = sizes.map((size, index) => ({ path: `${index}.rpm`, body: Buffer.alloc(size, index + 1) }));
  const entries = files.map(
    ({ path, body }) =>
      `<package type="rpm"><checksum type="sha256" pkgid="YES">${sha256(body)}</checksum><size package="${body.length}"/><location href="${path}"/></package>`,
  );
  const primary = `<metadata>${entries.join('')}</metadata>`;
  const repomd = `<repomd><data type="primary"><checksum type="sha256">${sha256(primary)}</checksum><location href="primary.xml"/></data></repomd>`;
  return new Map([
    ['repodata/repomd.xml', Buffer.from(repomd)],
    ['primary.xml', Buffer.from(primary)],
    ...files.map(({ path, body }) => [path, body] as const),
  ]);
}

/** Sends requests ahead over one connection and reads slowly; gives the length of each answer. */
function pipelined(paths: readonly string[]): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const { port, authority } = world;
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
