import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Authority } from './authority.ts';
import { makeRoot, makeServerCertificate } from './openssl.ts';
import { Killed, startWorld, type World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const rolesOf = (authority: Authority) => authority.describe().roots.map(({ role }) => role);
const idOf = (authority: Authority, role: string) =>
  authority.describe().roots.find((root) => root.role === role)?.id ?? 'none';

/** A certificate authority of a site, as files of an administrator. */
async function siteRoot(name: string, days = { from: -1, until: 4000 }) {
  const at = (day: number) => new Date(world.now().getTime() + day * 86_400_000);
  const root = await makeRoot(world.folder, { from: at(days.from), until: at(days.until) });
  return {
    ...root,
    settings: {
      'authority.certificate_file': await world.file(`${name}.crt`, root.certificate),
      'authority.key_file': await world.file(`${name}.key`, root.key),
    },
  };
}

/** What must be true of every authority at every time. */
function holds(authority: Authority): void {
  const { cert, key } = authority.serverCertificate();
  const server = new X509Certificate(cert);
  const trusted = authority.trusted().map((pem) => new X509Certificate(pem));
  const signer = trusted.find((root) => server.checkIssued(root) && server.verify(root.publicKey));
  expect(signer, 'the server certificate is signed by a trusted root').toBeDefined();
  expect(new Date(server.validFrom) <= world.now() && world.now() < new Date(server.validTo)).toBe(true);
  expect(server.checkHost('packages.local')).toBe('packages.local');
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  const signing = rolesOf(authority).filter((role) => role === 'current' || role === 'given');
  expect(signing).toHaveLength(1);
  expect(rolesOf(authority)[0]).toBe(signing[0]);
}

describe('the first start', () => {
  it('makes a root and a server certificate that a TLS client takes', async () => {
    const authority = await world.start({ 'packages.names': 'repo.example.org, 10.1.2.3' });

    holds(authority);
    expect(authority.describe().server_certificate).toMatchObject({
      names: ['packages.local', 'repo.example.org', '10.1.2.3'],
      root_id: idOf(authority, 'current'),
    });
    const root = new X509Certificate(authority.trusted()[0] ?? '');
    expect(root.ca).toBe(true);
    expect(root.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  });

  it('serves TLS to those who trust it, and to nobody else', async () => {
    world.pass((Date.now() - world.now().getTime()) / 86_400_000);
    const authority = await world.start();
    const server = createServer(authority.serverCertificate(), (_request, response) => response.end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const handshake = (ca: readonly string[] | undefined) =>
      new Promise<string>((resolve) => {
        const socket = connect(
          { host: '127.0.0.1', port, servername: 'packages.local', ...(ca ? { ca: [...ca] } : {}) },
          () => {
            resolve('verified');
            socket.destroy();
          },
        ).once('error', (error) => resolve(error.message));
      });
    try {
      expect(await handshake(authority.trusted())).toBe('verified');
      expect(await handshake(undefined)).toMatch(/unable to (get|verify)|self.signed/);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('keeps its folder and files to itself', async () => {
    await world.start();

    expect((await stat(world.state)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(world.state)) {
      expect((await stat(join(world.state, name))).mode & 0o777, name).toBe(0o600);
    }
  });

  it('is found again by the next start', async () => {
    const first = await world.start();
    const again = await world.start();

    expect(again.describe()).toEqual(first.describe());
    expect(again.serverCertificate()).toEqual(first.serverCertificate());
  });
});

describe('renewal', () => {
  it('issues a server certificate at two thirds of its life, and tells who listens', async () => {
    const authority = await world.start();
    const first = authority.serverCertificate();
    const told: string[] = [];
    const stop = authority.onServerCertificate(({ cert }) => told.push(cert));

    world.pass(59);
    await authority.check();
    expect(authority.serverCertificate()).toEqual(first);
    world.pass(2);
    await authority.check();
    holds(authority);
    expect(authority.serverCertificate().cert).not.toBe(first.cert);
    expect(told).toEqual([authority.serverCertificate().cert]);

    stop();
    world.pass(61);
    await authority.check();
    expect(told).toHaveLength(1);
  });

  it('looks every hour by itself', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const authority = await world.start();
      const issued = new Promise<string>((resolve) => {
        authority.onServerCertificate(({ cert }) => resolve(cert));
      });
      world.pass(61);
      await vi.advanceTimersByTimeAsync(3_600_000);
      expect(await issued).toBe(authority.serverCertificate().cert);
      authority.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('issues one when its names are others, and when a clock was set back', async () => {
    await world.start();
    world.pass(40);
    const named = await world.start({ 'packages.names': 'other.example.org' });
    expect(named.describe().server_certificate.names).toContain('other.example.org');

    world.pass(-30);
    await named.check();
    expect(new Date(named.describe().server_certificate.not_before) < world.now()).toBe(true);
  });

  it('gives a root that nears its end a next one, lets that sign in time, and forgets the old one after', async () => {
    const authority = await world.start();
    const first = idOf(authority, 'current');

    world.pass(3650 - 364);
    await authority.check();
    expect(rolesOf(authority)).toEqual(['current', 'next']);
    expect(idOf(authority, 'current')).toBe(first);

    world.pass(270);
    await authority.check();
    holds(authority);
    expect(rolesOf(authority)).toEqual(['current', 'previous']);
    expect(idOf(authority, 'previous')).toBe(first);

    world.pass(100);
    await authority.check();
    holds(authority);
    expect(rolesOf(authority)).toEqual(['current']);
  });

  it('makes another next root when the one that waits has become as old as the root', async () => {
    await (await world.start()).rotate();
    world.pass(3650 - 364);
    const authority = await world.start();
    holds(authority);
    const next = authority.describe().roots.find(({ role }) => role === 'next');
    expect(new Date(next?.not_after ?? 0).getTime()).toBeGreaterThan(
      world.now().getTime() + 3000 * 86_400_000,
    );

    world.pass(4000);
    holds(await world.start());
  });

  it('starts after having been away for longer than its root lived', async () => {
    await world.start();
    world.pass(4000);
    const authority = await world.start();

    holds(authority);
    expect(rolesOf(authority)).toEqual(['current']);
  });
});

describe('rotation', () => {
  it('trusts the next root before it signs, and the previous one after', async () => {
    const authority = await world.start();
    const first = authority.serverCertificate();
    const old = idOf(authority, 'current');

    await authority.rotate();
    expect(rolesOf(authority)).toEqual(['current', 'next']);
    expect(authority.trusted()).toHaveLength(2);
    expect(authority.serverCertificate()).toEqual(first);
    await expect(authority.rotate()).rejects.toMatchObject({ code: 'authority-conflict' });

    await authority.activate();
    holds(authority);
    expect(rolesOf(authority)).toEqual(['current', 'previous']);
    expect(authority.describe().server_certificate.root_id).not.toBe(old);
    expect(await readdir(world.state)).not.toContain(`root-${old}.key`);

    await authority.retire(old);
    expect(authority.trusted()).toHaveLength(1);
    holds(await world.start());
  });

  it('refuses what would leave nothing, or has nothing to do', async () => {
    const authority = await world.start();

    await expect(authority.activate()).rejects.toMatchObject({ code: 'authority-conflict' });
    await expect(authority.retire(idOf(authority, 'current'))).rejects.toMatchObject({
      code: 'authority-conflict',
    });
    await expect(authority.retire('0'.repeat(16))).rejects.toMatchObject({
      code: 'authority-root-not-found',
    });
  });

  it('is given up by retiring the next root', async () => {
    const authority = await world.start();
    await authority.rotate();
    await authority.retire(idOf(authority, 'next'));

    expect(rolesOf(authority)).toEqual(['current']);
    holds(authority);
  });
});

describe('a root of the site', () => {
  it('issues the server certificate, and its key stays where it is', async () => {
    const site = await siteRoot('site');
    const authority = await world.start(site.settings);

    holds(authority);
    expect(rolesOf(authority)).toEqual(['given']);
    expect(authority.trusted()).toEqual([site.certificate]);
    for (const name of await readdir(world.state)) {
      expect(await readFile(join(world.state, name), 'utf8')).not.toContain(site.key.split('\n')[1]);
    }
    await expect(authority.rotate()).rejects.toMatchObject({ code: 'authority-conflict' });
  });

  it('that is replaced by another one stays trusted, and so does one of our own', async () => {
    const own = idOf(await world.start(), 'current');
    const first = await siteRoot('first');
    const given = idOf(await world.start(first.settings), 'given');
    const second = await siteRoot('second');
    const authority = await world.start(second.settings);

    holds(authority);
    expect(authority.trusted()[0]).toBe(second.certificate);
    expect(authority.describe().roots.map(({ id }) => id)).toEqual([idOf(authority, 'given'), given, own]);
    expect(rolesOf(await world.start())).toEqual(['current', 'previous', 'previous', 'previous']);
    holds(await world.start(first.settings));
  });

  it('sends the authorities between the server certificate and the root along', async () => {
    const root = await siteRoot('root');
    const between = await makeRoot(world.folder, { from: world.now(), until: new Date('2030-01-01') });
    const authority = await world.start({
      'authority.certificate_file': await world.file('chain.crt', between.certificate + root.certificate),
      'authority.key_file': await world.file('between.key', between.key),
    });

    holds(authority);
    expect(authority.trusted()).toEqual([between.certificate, root.certificate]);
  });
});

describe('a ready server certificate', () => {
  it('is used as it is, and again when its file changes', async () => {
    const site = await siteRoot('site');
    const server = async (name: string) => {
      const validity = { from: world.now(), until: new Date('2030-01-01') };
      const made = await makeServerCertificate(world.folder, site, ['packages.local'], validity);
      return {
        ...made,
        settings: {
          'packages.certificate_file': await world.file(`${name}.crt`, made.certificate),
          'packages.key_file': await world.file(`${name}.key`, made.key),
          'trust.ca_file': site.settings['authority.certificate_file'],
        },
      };
    };
    const ready = await server('server');
    const authority = await world.start(ready.settings);

    expect(authority.serverCertificate()).toEqual({ cert: ready.certificate, key: ready.key });
    expect(authority.trusted()).toEqual([site.certificate]);
    expect(authority.describe()).toMatchObject({ roots: [], server_certificate: { root_id: null } });
    await expect(authority.rotate()).rejects.toMatchObject({ code: 'authority-conflict' });

    const renewed = await server('server');
    await authority.check();
    expect(authority.serverCertificate().cert).toBe(renewed.certificate);
  });
});

describe('settings that are wrong', () => {
  it('are refused with what is wrong and what to do', async () => {
    const site = await siteRoot('site');
    const other = await siteRoot('other');
    const expired = await siteRoot('expired', { from: -20, until: -10 });
    const early = await siteRoot('early', { from: 10, until: 20 });
    const validity = { from: world.now(), until: new Date('2030-01-01') };
    const leaf = await makeServerCertificate(world.folder, site, ['elsewhere.example.org'], validity);
    const leafFile = await world.file('leaf.crt', leaf.certificate);
    const leafKey = await world.file('leaf.key', leaf.key);
    const text = await world.file('text', 'hello');
    const damaged = await world.file(
      'damaged',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    );
    const locked = await world.file('locked', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n');
    const cases: [Record<string, string>, RegExp][] = [
      [{ ...site.settings, 'authority.key_file': '' }, /authority\.key_file: it is empty.*both/],
      [{ 'packages.key_file': leafKey }, /packages\.certificate_file: it is empty.*both/],
      [{ ...site.settings, 'authority.key_file': other.settings['authority.key_file'] }, /is not the key of/],
      [{ ...site.settings, 'authority.key_file': text }, /has no PEM private key/],
      [{ ...site.settings, 'authority.key_file': locked }, /has a passphrase; `openssl pkey`/],
      [{ ...site.settings, 'authority.certificate_file': text }, /has no PEM certificate.*openssl x509/],
      [{ ...site.settings, 'authority.certificate_file': '/nonexistent' }, /cannot be read.*ENOENT/],
      [expired.settings, /expired on .*2026.*renew it/],
      [early.settings, /not valid before .*clock/],
      [
        { 'authority.certificate_file': leafFile, 'authority.key_file': leafKey },
        /not that of an authority.*packages\.certificate_file/,
      ],
      [
        { 'packages.certificate_file': leafFile, 'packages.key_file': leafKey },
        /not good for packages\.local/,
      ],
      [{ 'packages.names': 'fine.example.org,not a name' }, /"not a name" is neither/],
      [{ 'trust.ca_file': text }, /trust\.ca_file: .*has no PEM certificate/],
      [{ 'trust.ca_file': damaged }, /certificate 1 of .*cannot be read/],
    ];
    for (const [settings, message] of cases) {
      const starting = world.start(settings);
      await expect(starting).rejects.toMatchObject({ code: 'config-invalid' });
      await expect(starting).rejects.toThrow(message);
    }
  });

  it('do not stop a service that runs', async () => {
    const file = await world.file('more.pem', (await siteRoot('more')).certificate);
    const authority = await world.start({ 'trust.ca_file': file });
    const before = authority.trusted();
    await world.file('more.pem', 'half a file');

    await expect(authority.check()).rejects.toMatchObject({ code: 'config-invalid' });
    expect(authority.trusted()).toEqual(before);
  });
});

describe('any order of changes, restarts and kills', () => {
  const change = fc.constantFrom('rotate', 'activate', 'retire previous', 'retire next', 'check', 'restart');
  const step = fc.record({
    change,
    days: fc.constantFrom(0, 1, 45, 70, 3_400),
    kill: fc.option(
      fc.record({ write: fc.integer({ min: 1, max: 6 }), when: fc.constantFrom('before', 'after') }),
    ),
  });

  const daysUntil = (time: string) => (new Date(time).getTime() - world.now().getTime()) / 86_400_000;

  async function apply(authority: Authority, name: string): Promise<void> {
    try {
      if (name === 'rotate') await authority.rotate();
      else if (name === 'activate') await authority.activate();
      else if (name === 'check') await authority.check();
      else await authority.retire(idOf(authority, name.replace('retire ', '')));
    } catch (error) {
      if (error instanceof Killed || !/authority-/.test((error as { code?: string }).code ?? '')) {
        throw error;
      }
    }
  }

  it('leaves an authority that signs with a trusted root and has lost none that was not retired', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        // Each sequence has a world of its own; the last one goes with the test.
        await world[Symbol.asyncDispose]();
        world = await startWorld();
        let authority = await world.start();
        for (const { change: name, days, kill } of steps) {
          world.pass(days);
          const before = authority.describe().roots;
          const retired = name.startsWith('retire') ? idOf(authority, name.replace('retire ', '')) : 'none';
          world.killAt(kill?.write, kill?.when as 'before' | 'after');
          try {
            await (name === 'restart' ? world.start() : apply(authority, name));
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
          }
          world.killAt(undefined);
          // Dead or alive, the next start finds a whole authority.
          authority = await world.start();
          holds(authority);
          const ids = authority.describe().roots.map(({ id }) => id);
          // A next root that has become old has signed nothing, and another one takes its place.
          const lasting = before.filter(
            ({ role, not_after }) => role !== 'next' || daysUntil(not_after) > 365,
          );
          const lost = lasting.filter(
            ({ id, not_after }) => id !== retired && !ids.includes(id) && new Date(not_after) > world.now(),
          );
          expect(lost).toEqual([]);
          const files = await readdir(world.state);
          expect(files.filter((file) => /\.new$|^\.work/.test(file))).toEqual([]);
          expect(files.length).toBeLessThanOrEqual(3 + 2 * ids.length);
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
